//! What a program that uses the library can rely on: the public items, as `tests/data/public-api.txt` lists them.
//!
//! A change of that list is one that others may notice: it belongs into CHANGELOG.md.
//! `SMAUDIT_UPDATE_GOLDENS=1 cargo test --test all public_api::` writes it anew.

#![allow(clippy::expect_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use quote::ToTokens as _;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, ExprCast, Fields, ImplItem, Item, ItemImpl, ItemMacro, Token, TraitItem, Type, Visibility, parse_quote,
};

use crate::sources::{ModulePath, Sources, attributes_mut, name_of};

const LISTED: &str = "tests/data/public-api.txt";

#[test]
fn the_public_items_are_those_that_are_listed() {
    let found = Api::of(&Sources::read());
    if std::env::var_os("SMAUDIT_UPDATE_GOLDENS").is_some() {
        fs::write(LISTED, &found).expect("the list can be written");
    }
    let listed = fs::read_to_string(Path::new(LISTED)).expect("there is a list");
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<String>>();
    let (found_lines, listed_lines) = (lines(&found), lines(&listed));
    let new: Vec<_> = found_lines.difference(&listed_lines).collect();
    let gone: Vec<_> = listed_lines.difference(&found_lines).collect();
    assert!(found == listed, "new: {new:#?}\ngone: {gone:#?}\nif that is meant: SMAUDIT_UPDATE_GOLDENS=1");
}

/// Items by where they are defined; each is listed where it is met first.
struct Api<'s> {
    sources: &'s Sources,
    implementations: BTreeMap<(ModulePath, String), Vec<ItemImpl>>,
    listed: BTreeMap<(ModulePath, String), String>,
    text: String,
}

impl Api<'_> {
    fn of(sources: &Sources) -> String {
        let mut implementations: BTreeMap<_, Vec<ItemImpl>> = BTreeMap::new();
        for (path, module) in &sources.0 {
            for item in &module.items {
                for (name, implementation) in written(item) {
                    if let Some(defined) = sources.resolve(path, &[name]) {
                        implementations.entry(defined).or_default().push(implementation);
                    }
                }
                let Item::Impl(implementation) = item else { continue };
                let Type::Path(of) = &*implementation.self_ty else { continue };
                let of: Vec<String> = of.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                if let Some(defined) = sources.resolve(path, &of) {
                    implementations.entry(defined).or_default().push(implementation.clone());
                }
            }
        }
        let mut api = Api { sources, implementations, listed: BTreeMap::new(), text: String::new() };
        api.module(&[], "smaudit");
        api.text
    }

    /// Lists a module's items, then those of the modules in it.
    fn module(&mut self, path: &[String], shown: &str) {
        self.text += &format!("// {shown}\n\n");
        let module = &self.sources.0[path];
        let own = module.items.iter().filter_map(name_of).map(|name| vec![name]);
        let imported = self.sources.imports(path).iter().filter(|import| is_public(&import.visibility));
        let names: BTreeSet<Vec<String>> = own.chain(imported.map(|import| import.path.clone())).collect();
        for name in names {
            if let Some(defined) = self.sources.resolve(path, &name) {
                self.item(defined, shown);
            }
        }
        for (name, (visibility, attributes)) in &module.modules {
            let is_hidden =
                attributes.iter().any(|attribute| attribute.to_token_stream().to_string().contains("hidden"));
            if is_public(visibility) && !is_hidden {
                self.module(&[path, std::slice::from_ref(name)].concat(), &format!("{shown}::{name}"));
            }
        }
    }

    fn item(&mut self, defined: (ModulePath, String), shown: &str) {
        let name = defined.1.clone();
        if let Some(first) = self.listed.get(&defined) {
            self.text += &format!("pub use {first};\n\n");
            return;
        }
        let items = self.sources.0[&defined.0].items.iter().filter(|item| name_of(item).as_ref() == Some(&name));
        let mut items: Vec<Item> = items.filter_map(|item| public(item.clone())).collect();
        if items.is_empty() {
            return;
        }
        for implementation in self.implementations.get(&defined).into_iter().flatten() {
            items.extend(public(Item::Impl(implementation.clone())));
        }
        self.listed.insert(defined, format!("{shown}::{name}"));
        let file = syn::File { shebang: None, attrs: Vec::new(), items };
        self.text += &prettyplease::unparse(&file);
        self.text.push('\n');
    }
}

/// What the macros of `report/written` implement, by the names of the types: `written!(Problem as ProblemDef, ..)`.
fn written(item: &Item) -> Vec<(String, ItemImpl)> {
    let Item::Macro(ItemMacro { mac, ident: None, .. }) = item else { return Vec::new() };
    let is_read = mac.path.is_ident("written_and_read");
    if !is_read && !mac.path.is_ident("written") {
        return Vec::new();
    }
    let casts = mac.parse_body_with(Punctuated::<ExprCast, Token![,]>::parse_terminated).expect("types as mirrors");
    let implementations = casts.iter().flat_map(|cast| {
        let of = &cast.expr;
        let read: Option<ItemImpl> = is_read.then(|| parse_quote!(impl<'de> Deserialize<'de> for #of {}));
        let implemented = [parse_quote!(impl Serialize for #of {}), parse_quote!(impl JsonSchema for #of {})];
        implemented.into_iter().chain(read).map(|of_trait| (of.to_token_stream().to_string(), of_trait))
    });
    implementations.collect()
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// What others see of an item: no documentation, no private fields, no bodies. `None` where they see nothing.
fn public(mut item: Item) -> Option<Item> {
    seen(attributes_mut(&mut item)?);
    let public = match &mut item {
        Item::Const(item) => {
            *item.expr = syn::parse_quote!(_);
            &item.vis
        }
        Item::Static(item) => {
            *item.expr = syn::parse_quote!(_);
            &item.vis
        }
        Item::Enum(item) => {
            for variant in &mut item.variants {
                seen(&mut variant.attrs);
                fields(&mut variant.fields, false);
            }
            &item.vis
        }
        Item::Struct(item) => {
            fields(&mut item.fields, true);
            &item.vis
        }
        Item::Fn(item) => {
            item.block.stmts.clear();
            &item.vis
        }
        Item::Trait(item) => {
            for item in &mut item.items {
                if let TraitItem::Fn(function) = item {
                    seen(&mut function.attrs);
                    function.default.iter_mut().for_each(|body| body.stmts.clear());
                }
            }
            &item.vis
        }
        Item::Type(item) => &item.vis,
        Item::Impl(item) => return implementation(item).then_some(()).map(|()| Item::Impl(item.clone())),
        _ => return None,
    };
    is_public(public).then_some(item)
}

/// Keeps what others see of an implementation; false where that is nothing.
fn implementation(item: &mut ItemImpl) -> bool {
    if item.trait_.is_some() {
        item.items.clear();
        return true;
    }
    item.items.retain_mut(|item| match item {
        ImplItem::Fn(function) => {
            seen(&mut function.attrs);
            function.block.stmts.clear();
            is_public(&function.vis)
        }
        ImplItem::Const(constant) => {
            seen(&mut constant.attrs);
            constant.expr = syn::parse_quote!(_);
            is_public(&constant.vis)
        }
        _ => false,
    });
    !item.items.is_empty()
}

fn fields(fields: &mut Fields, private_are_hidden: bool) {
    let named = match fields {
        Fields::Named(fields) => &mut fields.named,
        Fields::Unnamed(fields) => &mut fields.unnamed,
        Fields::Unit => return,
    };
    let kept = std::mem::take(named).into_iter().filter(|field| !private_are_hidden || is_public(&field.vis));
    *named = kept
        .map(|mut field| {
            seen(&mut field.attrs);
            field
        })
        .collect();
}

/// Keeps the attributes that others notice.
fn seen(attributes: &mut Vec<Attribute>) {
    let noticed = ["derive", "must_use", "non_exhaustive"];
    attributes.retain(|attribute| noticed.iter().any(|name| attribute.path().is_ident(name)));
}
