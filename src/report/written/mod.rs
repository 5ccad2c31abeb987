//! How the plain types of other parts are written in a report and read from one.
//!
//! What these parts find out is in the report as they have it, so there is one type for each, theirs, and it knows nothing
//! of JSON. Here each has a mirror that does: the names of its keys, and the words that the JSON Schema has for them. The
//! compiler holds a mirror against its type, as serde builds the one of the fields of the other (`#[serde(remote)]`).

/// Lets types be written as their mirrors are.
macro_rules! written {
    ($($type:ident as $mirror:ident),+ $(,)?) => {
        $(
            impl serde::Serialize for $type {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    $mirror::serialize(self, serializer)
                }
            }

            impl schemars::JsonSchema for $type {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    $mirror::schema_name()
                }

                fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    $mirror::json_schema(generator)
                }
            }
        )+
    };
}

/// The same, and read as well.
macro_rules! written_and_read {
    ($($type:ident as $mirror:ident),+ $(,)?) => {
        written!($($type as $mirror),+);
        $(
            impl<'de> serde::Deserialize<'de> for $type {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    $mirror::deserialize(deserializer)
                }
            }
        )+
    };
}

mod facts;
mod findings;
mod input;
mod ledger;
