//! Models in stores: gs://, s3://, az:// and https://. All that waits for a network is here, and the rest of the program
//! sees files that are had by ranges ([`super::ranged`]).
//!
//! A listing gives names, sizes and e-tags ([`list`], and [`pages`] of web servers without WebDAV); a [`Folder`] is one model of it, and its files ask the store for
//! ranges of the version that was listed ([`fetch`]), or for whether ranges are the same ([`compare`]). What goes wrong is told in words of our own ([`fault`]), as what a
//! store or the library says may have credentials in it. Redirects to other hosts are not followed ([`client`]).

mod client;
mod coming;
mod compare;
mod entry;
mod fault;
mod fetch;
mod folder;
mod list;
mod pages;
mod profile;
mod runtime;
mod service;
mod shared;
mod store;
mod tally;
mod tree;

pub(super) use entry::Entry;
pub(super) use fault::Fault;
pub(super) use folder::{Folder, object};
pub(super) use store::Store;
pub(super) use tree::{Group, Tree};
