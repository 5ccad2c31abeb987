//! FarmHash Fingerprint64 and TensorFlow's way to join two of them: what `fingerprint.pb` is made of.
//!
//! From <https://github.com/google/farmhash> (`farmhashna::Hash64`) and `tensorflow/core/platform/fingerprint.h`. The
//! crate of that name has last been touched in 2016 and reads by raw pointers, so it is written here, over checked slices.

/// Primes between 2^63 and 2^64.
const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;

/// What long inputs are taken in.
const BLOCK: usize = 64;

/// The fingerprint of `bytes`.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    let length = bytes.len() as u64;
    match bytes.len() {
        0 => K2,
        1..=3 => up_to_3(bytes, length),
        4..=7 => {
            let (front, back) = (u64::from(word32(bytes, 0)), u64::from(word32(bytes, bytes.len() - 4)));
            mixed(length.wrapping_add(front << 3), back, multiplier(length))
        }
        8..=16 => up_to_16(bytes, multiplier(length)),
        17..=32 => up_to_32(bytes, multiplier(length)),
        33..=64 => up_to_64(bytes, multiplier(length)),
        _ => long(bytes),
    }
}

/// The fingerprint of two fingerprints.
pub(super) fn joined(first: u64, second: u64) -> u64 {
    const MUL: u64 = 0xc6a4_a793_5bd1_e995;
    let result = first ^ MUL ^ shifted(second.wrapping_mul(MUL)).wrapping_mul(MUL);
    shifted(shifted(result.wrapping_mul(MUL)).wrapping_mul(MUL))
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
    u64::from_le_bytes(word.copied().unwrap_or_default())
}

fn word32(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
    u32::from_le_bytes(word.copied().unwrap_or_default())
}

fn multiplier(length: u64) -> u64 {
    K2.wrapping_add(length.wrapping_mul(2))
}

fn shifted(value: u64) -> u64 {
    value ^ (value >> 47)
}

fn mixed(first: u64, second: u64, mul: u64) -> u64 {
    let a = shifted((first ^ second).wrapping_mul(mul));
    shifted((second ^ a).wrapping_mul(mul)).wrapping_mul(mul)
}

fn up_to_3(bytes: &[u8], length: u64) -> u64 {
    let byte = |at: usize| u64::from(bytes.get(at).copied().unwrap_or_default());
    let front = byte(0) + (byte(bytes.len() / 2) << 8);
    let back = length + (byte(bytes.len() - 1) << 2);
    shifted(front.wrapping_mul(K2) ^ back.wrapping_mul(K0)).wrapping_mul(K2)
}

fn up_to_16(bytes: &[u8], mul: u64) -> u64 {
    let (a, b) = (word(bytes, 0).wrapping_add(K2), word(bytes, bytes.len() - 8));
    let c = b.rotate_right(37).wrapping_mul(mul).wrapping_add(a);
    let d = a.rotate_right(25).wrapping_add(b).wrapping_mul(mul);
    mixed(c, d, mul)
}

fn up_to_32(bytes: &[u8], mul: u64) -> u64 {
    let (a, b) = (word(bytes, 0).wrapping_mul(K1), word(bytes, 8));
    let (c, d) = (word(bytes, bytes.len() - 8).wrapping_mul(mul), word(bytes, bytes.len() - 16).wrapping_mul(K2));
    let [first, second] = quarter(a, b, c, d, b.wrapping_add(K2));
    mixed(first, second, mul)
}

fn up_to_64(bytes: &[u8], mul: u64) -> u64 {
    let end = bytes.len();
    let (a, b) = (word(bytes, 0).wrapping_mul(K2), word(bytes, 8));
    let (c, d) = (word(bytes, end - 8).wrapping_mul(mul), word(bytes, end - 16).wrapping_mul(K2));
    let [y, other] = quarter(a, b, c, d, b.wrapping_add(K2));
    let z = mixed(y, other, mul);
    let (e, f) = (word(bytes, 16).wrapping_mul(mul), word(bytes, 24));
    let g = y.wrapping_add(word(bytes, end - 32)).wrapping_mul(mul);
    let h = z.wrapping_add(word(bytes, end - 24)).wrapping_mul(mul);
    let [first, second] = quarter(e, f, g, h, f.wrapping_add(a));
    mixed(first, second, mul)
}

/// What inputs of up to 64 bytes have in common.
fn quarter(a: u64, b: u64, c: u64, d: u64, turned: u64) -> [u64; 2] {
    let first = a.wrapping_add(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d);
    [first, a.wrapping_add(turned.rotate_right(18)).wrapping_add(c)]
}

/// The state over a long input: 56 bytes.
struct State {
    x: u64,
    y: u64,
    z: u64,
    v: [u64; 2],
    w: [u64; 2],
}

fn long(bytes: &[u8]) -> u64 {
    let seed = 81_u64;
    let y = seed.wrapping_mul(K1).wrapping_add(113);
    let z = shifted(y.wrapping_mul(K2).wrapping_add(113)).wrapping_mul(K2);
    let x = seed.wrapping_mul(K2).wrapping_add(word(bytes, 0));
    let mut state = State { x, y, z, v: [0; 2], w: [0; 2] };
    // The last block is taken apart, also where it is a whole one.
    let blocks = (bytes.len() - 1) / BLOCK;
    for block in bytes.chunks_exact(BLOCK).take(blocks) {
        state.take(block, K1, 1);
    }
    let left = (bytes.len() - 1) % BLOCK;
    let mul = K1.wrapping_add((state.z & 0xff) << 1);
    state.w[0] = state.w[0].wrapping_add(left as u64);
    state.v[0] = state.v[0].wrapping_add(state.w[0]);
    state.w[0] = state.w[0].wrapping_add(state.v[0]);
    state.take(bytes.get(bytes.len() - BLOCK..).unwrap_or_default(), mul, 9);
    let State { x, y, z, v, w } = state;
    let first = mixed(v[0], w[0], mul).wrapping_add(shifted(y).wrapping_mul(K0)).wrapping_add(z);
    mixed(first, mixed(v[1], w[1], mul).wrapping_add(x), mul)
}

impl State {
    /// Takes a block in. `times` is 1, but for the last block.
    fn take(&mut self, block: &[u8], mul: u64, times: u64) {
        let Self { x, y, z, v, w } = self;
        let sum = x.wrapping_add(*y).wrapping_add(v[0]).wrapping_add(word(block, 8));
        *x = sum.rotate_right(37).wrapping_mul(mul) ^ w[1].wrapping_mul(times);
        let sum = y.wrapping_add(v[1]).wrapping_add(word(block, 48));
        *y = sum.rotate_right(42).wrapping_mul(mul);
        *y = y.wrapping_add(v[0].wrapping_mul(times)).wrapping_add(word(block, 40));
        *z = z.wrapping_add(w[0]).rotate_right(33).wrapping_mul(mul);
        *v = weak(block.get(..32).unwrap_or_default(), v[1].wrapping_mul(mul), x.wrapping_add(w[0]));
        let (a, b) = (z.wrapping_add(w[1]), y.wrapping_add(word(block, 16)));
        *w = weak(block.get(32..).unwrap_or_default(), a, b);
        std::mem::swap(x, z);
    }
}

/// A cheap hash of 32 bytes and two seeds.
fn weak(bytes: &[u8], a: u64, b: u64) -> [u64; 2] {
    let [w, x, y, z] = [0, 8, 16, 24].map(|at| word(bytes, at));
    let a = a.wrapping_add(w);
    let b = b.wrapping_add(a).wrapping_add(z).rotate_right(21);
    let sum = a.wrapping_add(x).wrapping_add(y);
    [sum.wrapping_add(z), b.wrapping_add(sum.rotate_right(44)).wrapping_add(a)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(length: u64) -> Vec<u8> {
        (0..length).map(|at| ((at * at + 7 * at) % 251) as u8).collect()
    }

    /// From `tf.raw_ops.Fingerprint(method="farmhash64")` of TensorFlow 2.21.
    #[test]
    fn fingerprints_are_those_of_tensorflow() {
        for (length, fingerprint) in [
            (0, 0x9ae1_6a3b_2f90_404f),
            (1, 0xbe60_56ed_f5e9_4b54),
            (3, 0xc58f_48b2_f28b_4e23),
            (4, 0x8157_c76f_9042_56b4),
            (7, 0x5055_0538_09c4_4b67),
            (8, 0xd0f9_8acf_3377_c37b),
            (16, 0x13f0_1823_6eb9_a635),
            (17, 0x7225_fe41_4d3f_6496),
            (32, 0xbeb0_464e_0d3f_fa6a),
            (33, 0xba2d_152e_e957_dd7a),
            (64, 0x3a22_edc8_6f9f_d248),
            (65, 0xc3df_d6c1_3ba8_feb5),
            (128, 0x92df_4f8c_f18b_3c49),
            (129, 0x383a_2014_0ff1_42d2),
            (1000, 0xf993_ca77_1af8_2ef8),
        ] {
            assert_eq!(super::fingerprint(&sample(length)), fingerprint, "{length}");
        }
    }

    /// The sum of the same over all lengths up to 700, each times an odd number.
    #[test]
    fn no_length_is_an_exception() {
        let sum = (0..700).fold(0, |sum, length| sum ^ fingerprint(&sample(length)).wrapping_mul(2 * length + 1));
        assert_eq!(sum, 0xbf43_75d8_74ed_4fb8);
    }
}
