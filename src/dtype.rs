//! What TensorFlow's element types are called and how large they are on disk.
//!
//! The numbers and names are those of `tensorflow/core/framework/types.proto`, the sizes those of `DataTypeSize` in
//! `types.cc`. A number that this table does not know is shown as it is: newer TensorFlows add types.

use std::borrow::Cow;

use crate::proto::DataType;

/// The name that TensorFlow's Python gives to a type: `float32` for `DT_FLOAT`; `dtype 99` for an unknown number.
#[must_use]
pub fn name(dtype: i32) -> Cow<'static, str> {
    let Ok(known) = DataType::try_from(dtype) else {
        return Cow::Owned(format!("dtype {dtype}"));
    };
    match known {
        DataType::DtFloat => Cow::Borrowed("float32"),
        DataType::DtDouble => Cow::Borrowed("float64"),
        DataType::DtHalf => Cow::Borrowed("float16"),
        DataType::DtFloatRef => Cow::Borrowed("float32_ref"),
        DataType::DtDoubleRef => Cow::Borrowed("float64_ref"),
        DataType::DtHalfRef => Cow::Borrowed("float16_ref"),
        other => Cow::Owned(other.as_str_name().trim_start_matches("DT_").to_ascii_lowercase()),
    }
}

/// The bytes of one element in a checkpoint; `None` for types without a fixed size (strings, variants, resources) and
/// for unknown numbers. The types of 2 and 4 bits take a byte each.
#[must_use]
pub fn element_bytes(dtype: i32) -> Option<u64> {
    let bytes = match DataType::try_from(dtype).ok()? {
        DataType::DtBool
        | DataType::DtInt8
        | DataType::DtUint8
        | DataType::DtQint8
        | DataType::DtQuint8
        | DataType::DtInt4
        | DataType::DtUint4
        | DataType::DtInt2
        | DataType::DtUint2
        | DataType::DtFloat8E5m2
        | DataType::DtFloat8E4m3fn
        | DataType::DtFloat8E4m3fnuz
        | DataType::DtFloat8E4m3b11fnuz
        | DataType::DtFloat8E5m2fnuz
        | DataType::DtFloat4E2m1fn => 1,
        DataType::DtInt16
        | DataType::DtUint16
        | DataType::DtQint16
        | DataType::DtQuint16
        | DataType::DtHalf
        | DataType::DtBfloat16 => 2,
        DataType::DtInt32 | DataType::DtUint32 | DataType::DtQint32 | DataType::DtFloat => 4,
        DataType::DtInt64 | DataType::DtUint64 | DataType::DtDouble | DataType::DtComplex64 => 8,
        DataType::DtComplex128 => 16,
        _ => return None,
    };
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_called_what_python_calls_them() {
        let names: Vec<_> = [1, 2, 19, 14, 7, 9, 25, 101].into_iter().map(name).collect();
        let expected = ["float32", "float64", "float16", "bfloat16", "string", "int64", "float8_e4m3fn", "float32_ref"];
        assert_eq!(names, expected);
    }

    #[test]
    fn an_unknown_type_is_shown_by_its_number() {
        assert_eq!(name(99), "dtype 99");
        assert_eq!(name(-1), "dtype -1");
    }

    #[test]
    fn sizes_are_known_for_types_of_a_fixed_size_only() {
        assert_eq!([1, 14, 18, 29].map(element_bytes), [Some(4), Some(2), Some(16), Some(1)]);
        assert_eq!([7, 20, 21, 0, 99].map(element_bytes), [None; 5]);
    }
}
