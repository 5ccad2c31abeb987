//! One HTML file that shows where the bytes are, for people: it opens offline and needs nothing beside it.
//!
//! The answer and the causes are written into the page as the text report has them ([`fragment`], [`findings`]); a browser
//! without JavaScript shows all of that, and the tables of the Markdown report. What is drawn, a treemap with a table
//! beside it, is drawn by `page.js` of [`data`]: rows and what they are made of, as the audit summed them up. The page
//! computes no figure but sums of rows that it shows.
//!
//! Names are the strangers here. In the page they are escaped as text of HTML, in the data as JSON in which nothing can end
//! the script; the script makes text of them and never markup. The page may load nothing and run nothing but what is in
//! it, by its `Content-Security-Policy`.

pub(super) mod data;
mod findings;
mod fleet;
pub(super) mod fragment;
pub(super) mod markup;

use std::cmp::Reverse;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use self::markup::text;
use super::pages;
use super::{ModelReport, Report, Tool, Treemap, View};

/// How the page looks.
const STYLE: &str = include_str!("page.css");

/// What it does. One function around all files, so that none of their names is one of the page's.
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("sizes.js"),
    include_str!("model.js"),
    include_str!("squarify.js"),
    include_str!("colours.js"),
    include_str!("map.js"),
    include_str!("table.js"),
    include_str!("page.js"),
    "})();\n",
);

/// The most bytes of data of a page, as JSON: with all that is around it a page stays below 5 MB.
pub const ROOM: usize = 3_600_000;

/// The most models of a page that are shown each by itself; the fleet's table has all of them.
const MODELS: usize = 100;

/// Writes the report as a page.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    let shown = shown(report);
    let title = match report.models.as_slice() {
        [model] => text(&model.path),
        models => format!("{} models", models.len()),
    };
    head(&title, &report.tool, &mut out)?;
    if report.models.len() != 1 {
        writeln!(out, "<section id=\"fleet\" class=\"subject\">{}</section>", fleet::html(report, view, &shown))?;
    }
    for (number, model) in &shown {
        let several = report.models.len() > 1;
        article(*number, model, several, view, report, &mut out)?;
    }
    out.write_all(b"</main>\n")?;
    for (number, model) in &shown {
        let Some(treemap) = drawn(model) else { continue };
        write!(out, "<script type=\"application/json\" id=\"data-{number}\">")?;
        data::write(model, treemap, &mut out)?;
        out.write_all(b"</script>\n")?;
    }
    tail(&mut out)?;
    out.flush()
}

/// The models that are shown each by itself, by their numbers in the report: those with the most avoidable bytes.
fn shown(report: &Report) -> Vec<(usize, &ModelReport)> {
    let mut models: Vec<(usize, &ModelReport)> = report.models.iter().enumerate().collect();
    models.sort_by_key(|(_, model)| (Reverse(model.findings_bytes), Reverse(model.total_bytes)));
    models.truncate(MODELS);
    models.sort_by_key(|(number, _)| *number);
    models
}

/// All up to the first model; the title is text of HTML.
pub(super) fn head(title: &str, tool: &Tool, out: &mut dyn Write) -> io::Result<()> {
    let hash = |what: &str| BASE64.encode(Sha256::digest(what.as_bytes()));
    let (script, style) = (hash(SCRIPT), hash(STYLE));
    let tool = format!("{} {}", tool.name, tool.version);
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-{script}'; \
         style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"{tool}\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{title} · smaudit</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <header><span class=\"tool\">{tool}</span></header>\n<main>\n",
        tool = text(&tool),
    )
}

/// The script, and the end.
pub(super) fn tail(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

/// What is drawn of a model: nothing of one that has no bytes.
fn drawn(model: &ModelReport) -> Option<&Treemap> {
    model.treemap.as_ref().filter(|_| model.total_bytes > 0)
}

/// A model: the answer, the causes, the place of the treemap, and the tables for who cannot see that.
fn article(
    number: usize,
    model: &ModelReport,
    several: bool,
    view: &View,
    report: &Report,
    out: &mut dyn Write,
) -> io::Result<()> {
    let page = pages::model_page(model, view);
    writeln!(out, "<article id=\"model-{number}\" class=\"model\">")?;
    if several {
        out.write_all(b"<p class=\"up\"><a href=\"#\">all models</a></p>\n")?;
    } else {
        out.write_all(fragment::sections(&pages::unreadable(report, view)).as_bytes())?;
    }
    out.write_all(fragment::sections(&page.head).as_bytes())?;
    if !several {
        out.write_all(fragment::sections(&pages::rules(report, view)).as_bytes())?;
    }
    out.write_all(findings::html(number, model, &page.answer).as_bytes())?;
    if let Some(treemap) = drawn(model) {
        let views: Vec<&str> = treemap.views.iter().map(|view| &*view.name).collect();
        explorer(number, &views, out)?;
    }
    let tables = fragment::sections(&page.tables);
    writeln!(out, "<noscript>{tables}</noscript>")?;
    if !several {
        writeln!(out, "<section class=\"details\">{}</section>", fragment::sections(&page.details))?;
    }
    out.write_all(b"</article>\n")
}

/// Where the treemap and the table beside it are drawn. Without JavaScript there is nothing to see of it.
pub(super) fn explorer(number: usize, views: &[&str], out: &mut dyn Write) -> io::Result<()> {
    let views: String = views.iter().map(|view| format!("<option value=\"{0}\">{0}</option>", text(view))).collect();
    write!(
        out,
        "<section class=\"explorer\" id=\"explorer-{number}\" aria-label=\"where the bytes are\" hidden>\n\
         <div class=\"controls\">\n\
         <label>by <select class=\"view\">{views}</select></label>\n\
         <label>colour <select class=\"colour\"></select></label>\n\
         <label class=\"for-metagraph\">metagraph <select class=\"metagraph\"></select></label>\n\
         <label class=\"for-signature\">reached by <select class=\"signature\"></select></label>\n\
         <label class=\"grow\">search <input class=\"search\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" \
         placeholder=\"a name, or a part of one ( / )\"></label>\n</div>\n\
         <nav class=\"crumbs\" aria-label=\"where you are\"></nav>\n<p class=\"said\" role=\"status\"></p>\n\
         <div class=\"both\">\n<div class=\"side\">\n<div class=\"map\" role=\"tree\" aria-label=\"treemap\"></div>\n\
         <ul class=\"legend\" aria-label=\"colours\"></ul>\n</div>\n\
         <div class=\"rows\" tabindex=\"0\" role=\"region\" aria-label=\"table of the rows\"><table></table></div>\n</div>\n\
         </section>\n",
    )
}
