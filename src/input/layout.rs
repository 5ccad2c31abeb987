//! What the files of a SavedModel are called: what loaders, TensorFlow Serving, Keras and TensorFlow Hub open by its name.

/// The main file in the order in which loaders look for it: binary, as text, and in chunks
/// (`tensorflow/cc/saved_model/constants.h`, `tensorflow/tools/proto_splitter`).
pub const MODEL_FILES: [&str; 3] = [BINARY, TEXT, CHUNKED];

pub(crate) const BINARY: &str = "saved_model.pb";
pub(crate) const TEXT: &str = "saved_model.pbtxt";
pub(crate) const CHUNKED: &str = "saved_model.cpb";

/// Where the checkpoint is, and its index (`tensorflow/cc/saved_model/constants.h`).
pub(crate) const VARIABLES: &str = "variables/";
pub(crate) const INDEX: &str = "variables/variables.index";

/// Where assets are, and files that a server takes along (`tensorflow/cc/saved_model/constants.h`).
pub(crate) const ASSETS: &str = "assets/";
pub(crate) const ASSETS_EXTRA: &str = "assets.extra/";

/// Where stack traces are (`tensorflow/cc/saved_model/constants.h`).
pub(crate) const DEBUG: &str = "debug/";
pub(crate) const DEBUG_INFO: &str = "debug/saved_model_debug_info.pb";

/// Hashes of the model (`tensorflow/python/saved_model/fingerprinting.py`).
pub(crate) const FINGERPRINT: &str = "fingerprint.pb";

/// What tf_keras reads of the layers (`tensorflow/python/keras/saving/saved_model/constants.py`).
pub(crate) const KERAS_METADATA: &str = "keras_metadata.pb";

/// What TensorFlow Hub reads of a module (`tensorflow_hub/module_def.proto`).
pub(crate) const HUB_MODULE: &str = "tfhub_module.pb";
