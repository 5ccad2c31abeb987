// Writes a SavedModel of 30,000 functions and 2,000,000 nodes, byte for byte as protobuf has it.
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { once } from "node:events";
import { join } from "node:path";

const FUNCTIONS = 30_000;
const NODES = 65; // of each function
const OWN_NODES = 50_000; // of the graph itself

function varint(number) {
  const bytes = [];
  for (; number >= 128; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
  bytes.push(number);
  return Buffer.from(bytes);
}

const field = (number, payload) => Buffer.concat([varint(number * 8 + 2), varint(payload.length), payload]);
const text = (number, string) => field(number, Buffer.from(string));
const OPS = ["Const", "Identity", "MatMul", "AddV2", "ReadVariableOp", "StatefulPartitionedCall", "Mul"];
const node = (name, at) => Buffer.concat([text(1, name), text(2, OPS[at % OPS.length])]);

function* parts() {
  for (let at = 0; at < OWN_NODES; at += 1) yield field(1, node("scope_" + (at % 97) + "/layer_" + (at % 13) + "/n" + at, at));
}

function functionDef(at) {
  const name = "__inference_layer_" + at;
  const nodes = [field(1, text(1, name))];
  const size = at % 10 === 0 ? NODES : NODES - (at % 3);
  for (let of = 0; of < size; of += 1) nodes.push(field(3, node("block_" + (of % 7) + "/n" + of, of + at)));
  return field(1, Buffer.concat(nodes));
}

export async function writeLarge(folder) {
  await mkdir(folder, { recursive: true });
  const own = Buffer.concat([...parts()]);
  const functions = [];
  for (let at = 0; at < FUNCTIONS; at += 1) functions.push(functionDef(at));
  const library = field(2, Buffer.concat(functions));
  const graph = field(2, Buffer.concat([own, library]));
  const info = field(1, text(4, "serve"));
  const model = field(2, Buffer.concat([info, graph]));
  const out = createWriteStream(join(folder, "saved_model.pb"));
  out.write(Buffer.from([8, 1]));
  out.end(model);
  await once(out, "finish");
}
