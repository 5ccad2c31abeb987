//! Names that loaders look for in a MetaGraphDef and its objects.

/// The tag of what is served (`tensorflow/python/saved_model/tag_constants.py`).
pub const SERVE: &str = "serve";

/// The signature that a loader runs, and no caller (`tensorflow/python/saved_model/constants.py`).
pub const INIT_SIGNATURE: &str = "__saved_model_init_op";

/// The one that it runs to train.
pub const TRAIN_INIT_SIGNATURE: &str = "__saved_model_train_op";

/// How the names of these signatures begin.
pub const LOADERS_SIGNATURE: &str = "__saved_model_";

/// The collections whose nodes run when a model is loaded (`tensorflow/cc/saved_model/constants.h`).
pub const MAIN_OPS: [&str; 2] = ["saved_model_main_op", "legacy_init_op"];

/// The attribute of the root object that has the signatures (`tensorflow/python/saved_model/signature_serialization.py`).
pub const SIGNATURES: &[u8] = b"signatures";

/// How tf_keras' objects identify themselves (`tensorflow/python/keras/saving/saved_model/constants.py`).
pub const KERAS_OBJECT: &[u8] = b"_tf_keras_";

/// A metric among them.
pub const KERAS_METRIC: &[u8] = b"_tf_keras_metric";
