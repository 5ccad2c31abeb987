"""Many models: listed in pages, audited while they are listed, left out where they were audited before."""

import json
import pathlib
import resource

from conftest import FIXTURES, run

MODEL = FIXTURES / "two-metagraphs"
MAIN = b"\x08\x01\x12\x09\x0a\x07\x22\x05serve"


def lines(answer):
    return [json.loads(line) for line in answer.out.splitlines()]


def test_a_tree_is_the_same_as_on_a_disk(s3, tmp_path):
    tree = {
        "t/10/saved_model.pb": MAIN,
        "t/9/saved_model.pb": MAIN,
        "t/9/assets/inner/saved_model.pb": MAIN,
        "t/readme": b"text",
        "t/deep/er/saved_model.pbtxt": b"saved_model_schema_version: 1",
        "t/a/b/c": b"x",
    }
    for name, contents in tree.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(contents)
        s3.put(f"trees/{name}", contents)
    there = s3.run("--json", "s3://models/trees/t")
    here = run("--json", tmp_path / "t")
    below = [model["path"].removeprefix("s3://models/trees/t/") for model in there.models]
    assert below == [pathlib.Path(model["path"]).relative_to(tmp_path / "t").as_posix() for model in here.models]
    assert there.without_store() == here.without_store()
    outside = [json.loads(answer.out)["outside"] for answer in (there, here)]
    assert [(it["files"], it["bytes"]) for it in outside] == [(2, 5), (2, 5)]


def test_a_listing_is_had_in_pages_and_models_are_written_while_it_goes_on(s3):
    for number in range(1200):
        s3.put(f"trees/many/{number:05}/saved_model.pb", MAIN)
    s3.proxy.reset()
    answer = s3.run("--format", "jsonl", "s3://models/trees/many")
    found = lines(answer)
    assert len(found) == 1200 and len({model["path"] for model in found}) == 1200
    listings = [request for request in s3.proxy.asked if request.is_listing()]
    assert len(listings) == 2
    # What the listing took is shared out, so that the sum of all requests is what was sent.
    assert sum(model["remote"]["requests"] for model in found) == len(s3.proxy.asked)


def test_what_was_audited_before_is_left_out(s3, tmp_path):
    for name in "abc":
        s3.put(f"trees/again/{name}/saved_model.pb", MAIN)
    first = s3.run("--format", "jsonl", "s3://models/trees/again")
    seen = tmp_path / "seen.jsonl"
    # A run that was broken off has left half a line.
    whole = first.out.splitlines(keepends=True)
    seen.write_text("".join(whole[:2]) + whole[2][:100])
    s3.proxy.reset()
    second = s3.run("--format", "jsonl", "--resume", seen, "s3://models/trees/again")
    assert [model["path"] for model in lines(second)] == [json.loads(whole[2])["path"]]
    assert len(s3.proxy.asked) == 2

    seen.write_text(first.out)
    changed = json.loads(whole[0])["path"]
    s3.put(changed.removeprefix("s3://models/") + "/saved_model.pb", MAIN + b"\x12\x00")
    third = s3.run("--format", "jsonl", "--resume", seen, "s3://models/trees/again")
    assert [model["path"] for model in lines(third)] == [changed]

    deeper = s3.run("--format", "jsonl", "--remote-depth", "full", "--resume", seen, "s3://models/trees/again")
    assert len(lines(deeper)) == 3, "less was read of them before"


def test_models_with_problems_are_audited_again(s3, tmp_path):
    s3.put("trees/wrong/saved_model.pb", b"")
    first = s3.run("--format", "jsonl", "s3://models/trees/wrong")
    assert first.code == 3
    seen = tmp_path / "seen.jsonl"
    seen.write_text(first.out)
    assert len(lines(s3.run("--format", "jsonl", "--resume", seen, "s3://models/trees/wrong"))) == 1


def test_resuming_is_for_lines_of_stores(s3, tmp_path):
    seen = tmp_path / "seen.jsonl"
    seen.write_text("")
    assert s3.run("--json", "--resume", seen, "s3://models/x").code == 2
    assert run("-f", "jsonl", "--resume", seen, MODEL).code == 2
    same = s3.run("-f", "jsonl", "--resume", seen, "-o", seen, "s3://models/x")
    assert same.code == 2 and "append" in same.err
    assert s3.run("-f", "jsonl", "--resume", tmp_path / "not", "s3://models/x").code == 2


class Bucket:
    """A bucket of very many models of one file each, which is made up as it is asked for."""

    def __init__(self, number):
        self.number = number

    def __call__(self, request):
        from urllib.parse import parse_qs, urlsplit

        query = parse_qs(urlsplit(request.path).query)
        if request.is_listing():
            start = int(query.get("continuation-token", ["0"])[0])
            end = min(start + 1000, self.number)
            keys = "".join(
                f"<Contents><Key>many/{n:07}/saved_model.pb</Key><Size>{len(MAIN)}</Size><ETag>&quot;{n}&quot;</ETag>"
                "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
                for n in range(start, end)
            )
            more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < self.number else ""
            text = f"<ListBucketResult>{keys}<IsTruncated>{str(bool(more)).lower()}</IsTruncated>{more}</ListBucketResult>"
            return lambda handler, *_: handler.answer(200, {"Content-Type": "application/xml"}, text.encode())
        name = request.path.split("?")[0]
        if not name.split("many/")[1][0].isdigit():
            return 404, "NoSuchKey", {}
        headers = {
            "ETag": f'"{int(name.split("/")[-2])}"',
            "Content-Range": f"bytes 0-{len(MAIN) - 1}/{len(MAIN)}",
            "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        }
        return lambda handler, *_: handler.answer(206, headers, MAIN)


def audited_within(s3, number, megabytes):
    """Audits a bucket of so many models by a process that may have no more memory; how many lines it wrote."""
    s3.proxy.reset(Bucket(number))

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))

    answer = s3.run("--format", "jsonl", "--remote-depth", "list", "s3://models/many", preexec_fn=limit)
    assert answer.code == 0, answer.err[:1000]
    return answer.out.count("\n")


def test_memory_does_not_grow_with_the_number_of_models(s3):
    # 100,000 models take 70 MB as a list of names, sizes and e-tags; threads take most of the rest.
    assert audited_within(s3, 100_000, 160) == 100_000
