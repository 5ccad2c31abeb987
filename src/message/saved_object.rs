//! A SavedObject: what an object of Python is, and whom it has (tensorflow/core/protobuf/saved_object_graph.proto).

use std::ops::Range;

use super::number::saved_object::{
    ASSET, BARE_CONCRETE_FUNCTION, CAPTURED_TENSOR, CHILDREN, CONSTANT, DEPENDENCIES, FUNCTION, RESOURCE,
    SAVEABLE_OBJECTS, SLOT_VARIABLES, USER_OBJECT, VARIABLE,
};
use super::number::trackable_object_graph::trackable_object::{object_reference, slot_variable_reference};
use super::number::{
    captured_tensor, saved_asset, saved_bare_concrete_function, saved_constant, saved_function, saved_user_object,
};
use super::number::{saveable_object, saved_concrete_function};
use super::view::Message;
use crate::wire::Field;

/// What an object is: the member of `SavedObject.kind` that counts.
#[derive(Debug, Clone)]
pub enum Kind<'f> {
    /// An object of a Python class.
    User(Message<'f>),
    /// A file, by its position among the metagraph's assets.
    Asset(u64),
    /// A polymorphic function, which has concrete ones.
    Function(Message<'f>),
    /// A variable.
    Variable(Message<'f>),
    /// One concrete function.
    BareFunction(Message<'f>),
    /// A constant, which is a node of the graph.
    Constant(Message<'f>),
    /// A table or the like.
    Resource(Message<'f>),
    /// A tensor that a function has captured.
    CapturedTensor(Message<'f>),
    /// Only a node of the tree.
    None,
}

impl<'f> Kind<'f> {
    /// The names of the concrete functions that it stands for.
    #[must_use]
    pub fn functions(&self) -> Vec<&'f [u8]> {
        match self {
            Self::Function(function) => self.traces().iter().map(|name| name.bytes(function.file())).collect(),
            Self::CapturedTensor(tensor) => vec![tensor.bytes(captured_tensor::CONCRETE_FUNCTION)],
            _ => self.bare_function().into_iter().collect(),
        }
    }

    /// The concrete function that a bare function is.
    #[must_use]
    pub fn bare_function(&self) -> Option<&'f [u8]> {
        match self {
            Self::BareFunction(function) => Some(function.bytes(saved_bare_concrete_function::CONCRETE_FUNCTION_NAME)),
            _ => None,
        }
    }

    /// The fields of the names of a polymorphic function's concrete ones.
    #[must_use]
    pub fn traces(&self) -> Vec<Field> {
        match self {
            Self::Function(function) => function.repeated(saved_function::CONCRETE_FUNCTIONS).collect(),
            _ => Vec::new(),
        }
    }

    /// The node of the graph whose value a constant is.
    #[must_use]
    pub fn operation(&self) -> Option<&'f [u8]> {
        match self {
            Self::Constant(constant) => Some(constant.bytes(saved_constant::OPERATION)),
            _ => None,
        }
    }

    /// What an object of a Python class says it is: `optimizer`, `trackable_list_wrapper`.
    #[must_use]
    pub fn identifier(&self) -> &'f [u8] {
        match self {
            Self::User(object) => object.bytes(saved_user_object::IDENTIFIER),
            _ => &[],
        }
    }
}

/// A SavedObject where it lies.
#[derive(Debug, Clone)]
pub struct SavedObject<'f>(Message<'f>);

impl<'f> SavedObject<'f> {
    /// The SavedObject whose payload is at `range`.
    #[must_use]
    pub fn new(file: &'f [u8], range: Range<usize>) -> Self {
        Self(Message::new(file, range))
    }

    /// The message itself.
    #[must_use]
    pub fn message(&self) -> &Message<'f> {
        &self.0
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind<'f> {
        let last = self.0.fields().filter(is_kind).last().map(|field| field.number);
        let Some((number, message)) = last.and_then(|number| Some((number, self.0.member(number, is_kind)?))) else {
            return Kind::None;
        };
        match number {
            USER_OBJECT => Kind::User(message),
            ASSET => Kind::Asset(message.integer(saved_asset::ASSET_FILE_DEF_INDEX)),
            FUNCTION => Kind::Function(message),
            VARIABLE => Kind::Variable(message),
            BARE_CONCRETE_FUNCTION => Kind::BareFunction(message),
            CONSTANT => Kind::Constant(message),
            RESOURCE => Kind::Resource(message),
            CAPTURED_TENSOR => Kind::CapturedTensor(message),
            _ => Kind::None,
        }
    }

    /// Its field in the object graph refers to these: children, dependencies and slot variables, each with the objects that it
    /// names.
    pub fn references(&self) -> impl Iterator<Item = (Field, [u64; 2])> + use<'_, 'f> {
        let children = self.children().chain(self.dependencies()).map(|child| (child.field, [child.node; 2]));
        children.chain(self.slots().map(|(field, original, slot)| (field, [original, slot])))
    }

    /// The saveables of an object that is saved by functions: each with its save and its restore function, as objects.
    pub fn saveables(&self) -> impl Iterator<Item = [u64; 2]> + use<'_, 'f> {
        self.0.entries(SAVEABLE_OBJECTS).into_iter().map(|entry| {
            [saveable_object::SAVE_FUNCTION, saveable_object::RESTORE_FUNCTION]
                .map(|number| entry.value.integer(number))
        })
    }

    /// Its children: the field, the number of the object, and where its name is.
    pub fn children(&self) -> impl Iterator<Item = Child> + use<'_, 'f> {
        self.0.repeated(CHILDREN).map(|field| Child::read(self.0.file(), field))
    }

    /// The objects that it cannot be without, which are children once more.
    pub fn dependencies(&self) -> impl Iterator<Item = Child> + use<'_, 'f> {
        self.0.repeated(DEPENDENCIES).map(|field| Child::read(self.0.file(), field))
    }

    /// The variables that it keeps for other variables, as an optimizer does: the field, the other one, and its own.
    pub fn slots(&self) -> impl Iterator<Item = (Field, u64, u64)> + use<'_, 'f> {
        self.0.repeated(SLOT_VARIABLES).map(|field| {
            let slot = Message::new(self.0.file(), field.payload());
            let number = |number| slot.integer(number);
            let original = number(slot_variable_reference::ORIGINAL_VARIABLE_NODE_ID);
            (field, original, number(slot_variable_reference::SLOT_VARIABLE_NODE_ID))
        })
    }
}

/// A reference to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The field, tag and length included.
    pub field: Field,
    /// The number of the object. The first one's is 0, which proto3 does not write.
    pub node: u64,
    /// Where its name is.
    pub name: Range<usize>,
}

impl Child {
    /// Reads an `ObjectReference`.
    #[must_use]
    pub fn read(file: &[u8], field: Field) -> Self {
        let reference = Message::new(file, field.payload());
        let name = reference.range(object_reference::LOCAL_NAME).unwrap_or_default();
        Self { field, node: reference.integer(object_reference::NODE_ID), name }
    }
}

fn is_kind(field: &Field) -> bool {
    let kinds = [USER_OBJECT, ASSET, FUNCTION, VARIABLE, BARE_CONCRETE_FUNCTION, CONSTANT, RESOURCE, CAPTURED_TENSOR];
    kinds.iter().any(|number| field.is_len(*number))
}

/// The objects that a SavedConcreteFunction has captured.
pub fn bound_inputs<T: TryFrom<u64>>(function: &Message<'_>) -> Vec<T> {
    function.integers(saved_concrete_function::BOUND_INPUTS).collect()
}
