//! The functions of a library as they lie, by their names.

use std::collections::BTreeSet;

use foldhash::HashMap;

use crate::message::FunctionDef;
use crate::message::number::function_def_library::{FUNCTION, GRADIENT, REGISTERED_GRADIENTS};
use crate::message::number::{gradient_def, registered_gradient};
use crate::message::view::Message;

/// The functions of a library by their names, and what attributes say of gradients.
#[derive(Debug, Default)]
pub(super) struct Names<'f> {
    pub(super) by_name: HashMap<&'f [u8], u32>,
    /// The values of `_gradient_op_type` that stand for a gradient.
    pub(super) live_gradients: BTreeSet<&'f [u8]>,
}

impl<'f> Names<'f> {
    pub(super) fn find(&self, name: &[u8]) -> Option<u32> {
        self.by_name.get(name).copied()
    }
}

/// Functions as they lie, before anything is said of what they do.
#[derive(Debug, Default)]
pub(super) struct Functions<'f> {
    pub(super) names: Names<'f>,
    /// Each with its name, in the order of the file.
    pub(super) defs: Vec<(&'f [u8], FunctionDef<'f>)>,
    /// The function that is the gradient of another one.
    pub(super) gradients: HashMap<&'f [u8], &'f [u8]>,
    /// The functions that are registered as gradients of what has an attribute of this value.
    pub(super) registered: HashMap<&'f [u8], &'f [u8]>,
}

impl<'f> Functions<'f> {
    /// The functions of a FunctionDefLibrary.
    pub(super) fn of(library: &Message<'f>) -> Self {
        let (file, mut functions) = (library.file(), Self::default());
        for field in library.repeated(FUNCTION) {
            let def = FunctionDef::new(file, field.payload());
            let name = def.signature().name();
            let number = u32::try_from(functions.defs.len()).unwrap_or(u32::MAX);
            functions.names.by_name.insert(name, number);
            functions.defs.push((name, def));
        }
        for field in library.repeated(GRADIENT) {
            let of = Message::new(file, field.payload());
            functions.gradients.insert(of.bytes(gradient_def::FUNCTION_NAME), of.bytes(gradient_def::GRADIENT_FUNC));
        }
        for field in library.repeated(REGISTERED_GRADIENTS) {
            let of = Message::new(file, field.payload());
            functions.registered.insert(
                of.bytes(registered_gradient::REGISTERED_OP_TYPE),
                of.bytes(registered_gradient::GRADIENT_FUNC),
            );
        }
        functions
    }
}
