//! What the two directories of a zip, the central one and the headers in front of the files, say alike: how a file is packed,
//! and what it is called.

use bytes::Bytes;

use super::entries::Data;

/// The methods that are read.
pub(super) enum Method {
    Stored,
    Deflated,
}

/// The data of a file, or why there are none.
pub(super) fn packed(bytes: Bytes, method: Result<Method, String>, encrypted: bool, size: u64, crc: u32) -> Data {
    match method {
        _ if encrypted => Data::Refused("is encrypted, and is not read".to_owned()),
        Ok(Method::Stored) => Data::Stored { bytes, size, crc: Some(crc) },
        Ok(Method::Deflated) => Data::Deflated { packed: bytes, size, crc },
        Err(other) => {
            Data::Refused(format!("is compressed as {other}, which is not read; unpack the archive and audit that"))
        }
    }
}

/// A name with slashes; some programs for Windows write backslashes only.
pub(super) fn slashed(name: &[u8]) -> Vec<u8> {
    if name.contains(&b'/') {
        return name.to_vec();
    }
    name.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect()
}
