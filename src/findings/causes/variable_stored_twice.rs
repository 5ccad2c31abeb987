//! `variable-stored-twice`: one content under two keys, where one key would do.
//!
//! Keras 3's `model.export()` tracks the variables of the model twice, and while it saves, a copy is made of each for one
//! of the two (keras issue 23553). Both are written; a session restores the one, a Python program the other.

use std::collections::BTreeMap;

use crate::findings::removal::{self, Gone};
use crate::findings::{Cause, Context, Detected, ModelKind, Remedy, copies};
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "variable-stored-twice",
    remedies: REMEDIES,
    long: include_str!("../../../docs/findings/variable-stored-twice.md"),
    detect,
};

const UNLESS: &str = "a program reads both copies from the loaded object and changes one of them.";

const REMEDIES: &[Remedy] = &[
    Remedy::of(
        &[ModelKind::Keras3],
        "Export with an `ExportArchive` that tracks the layers with tables only (keras issue 23553).",
        TABLES_ONLY,
        UNLESS,
    )
    .only(|model| model.has_tables),
    Remedy::of(
        &[ModelKind::Keras3],
        "Export with an `ExportArchive` and `add_endpoint`, without `track()` (keras issue 23553).",
        UNTRACKED,
        UNLESS,
    ),
    Remedy::of(
        &[ModelKind::TfKeras],
        "Save a module that holds the variables themselves, with the function that serves.",
        MODULE,
        UNLESS,
    ),
    Remedy::any("Save each variable in one place of the object, under one attribute.", "", UNLESS),
];

const UNTRACKED: &str = r#"archive = keras.export.ExportArchive()
archive.add_endpoint("serve", model.__call__, model.inputs)
archive.write_out("exported")"#;

const TABLES_ONLY: &str = r#"archive = keras.export.ExportArchive()
[archive.track(layer) for layer in model.layers if not layer.weights]
archive.add_endpoint("serve", model.__call__, model.inputs); archive.write_out("exported")"#;

const MODULE: &str = r#"specs = [tf.TensorSpec(i.shape, i.dtype, i.name) for i in model.inputs]
module = tf.Module(); module.weights = [getattr(v, "_variable", v) for v in model.variables]
tf.saved_model.save(module, "exported", signatures=tf.function(lambda x: model(x, training=False), specs))"#;

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables()?;
    let copies = copies::of_bound(context, variables);
    let kept: BTreeMap<usize, usize> = copies.iter().map(|copy| (copy.tensor, copy.kept)).collect();
    let gone = Gone { tensors: kept.keys().copied().collect(), ..Gone::default() };
    if gone.tensors.is_empty() {
        return None;
    }
    let removed = removal::remove(context, &gone);
    let are = plural(copies.len() as u64, "variable is", "variables are");
    let evidence = variables.evidence(context, &gone.tensors, &removed, |tensor| {
        let kept = kept.get(&tensor).map(|kept| variables.label(*kept));
        format!("{} is {} again", variables.label(tensor), kept.unwrap_or_default())
    });
    Some(Detected {
        message: format!("{are} stored under a second key that no session needs: {} of data.", bytes(removed.data)),
        evidence,
        claims: removed.claims,
        beyond: removed.beyond,
    })
}
