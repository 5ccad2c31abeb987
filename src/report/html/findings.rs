//! The causes of size: each with what to do, when not to, and what it rests on, from where a link leads to its place.

use super::fragment::{self, inline};
use super::markup::{hashed, said, text};
use crate::findings::{Finding, Place};
use crate::report::ModelReport;
use crate::report::document::Paragraph;
use crate::size::{bytes, human, share};

/// The answer in a line, then the causes; the first one is open.
pub(super) fn html(number: usize, model: &ModelReport, answer: &Paragraph) -> String {
    let findings = &model.findings;
    let class = if findings.is_empty() { "" } else { " class=\"warning\"" };
    let mut html = format!("<section class=\"findings\">\n<h2{class}>{}</h2>\n", inline(answer));
    findings.iter().enumerate().for_each(|(at, of)| html.push_str(&finding(number, model, of, at == 0)));
    if !model.information.is_empty() {
        html.push_str("<details class=\"information\"><summary>for information: this takes room, and is as it should be</summary>\n<ul>\n");
        for fact in &model.information {
            html.push_str(&format!(
                "<li><strong>{}</strong> {} {}</li>\n",
                human(fact.bytes),
                text(&fact.id),
                said(&fact.message)
            ));
        }
        html.push_str("</ul></details>\n");
    }
    html + "</section>\n"
}

fn finding(number: usize, model: &ModelReport, finding: &Finding, open: bool) -> String {
    let mut html = format!(
        "<details class=\"finding\"{}><summary><span class=\"figure\">{}</span> <span class=\"figure\">{}</span> \
         <strong>{}</strong>{}</summary>\n<p>{}</p>\n",
        if open { " open" } else { "" },
        human(finding.bytes),
        share(finding.bytes, model.total_bytes),
        text(&finding.id),
        overlap(finding),
        said(&finding.message),
    );
    html.push_str(&format!("<p class=\"remedy\">→ {}</p>\n", said(&finding.remedy)));
    if !finding.remedy_code.is_empty() {
        html.push_str(&fragment::code(finding.remedy_code.lines()));
    }
    if !finding.unless.is_empty() {
        html.push_str(&format!("<p class=\"quiet\">unless {}</p>\n", said(&finding.unless)));
    }
    if !finding.overlaps.is_empty() {
        let shared = finding.overlaps.iter().map(|other| format!("{} with {}", human(other.bytes), text(&other.id)));
        let shared: Vec<String> = shared.collect();
        html.push_str(&format!("<p class=\"quiet\">shares {}</p>\n", shared.join(", ")));
    }
    html.push_str(&evidence(number, finding));
    html + "</details>\n"
}

/// What of it is counted with a larger one.
fn overlap(finding: &Finding) -> String {
    match finding.bytes.saturating_sub(finding.additional_bytes) {
        0 => String::new(),
        common if common == finding.bytes => " <span class=\"quiet\">(all of it counted above)</span>".to_owned(),
        common => format!(" <span class=\"quiet\">({} of it counted above)</span>", human(common)),
    }
}

/// What it rests on. Where each line is a place, the line is a link to it; else the places stand by themselves.
fn evidence(number: usize, finding: &Finding) -> String {
    let lines = &finding.evidence;
    let places = &finding.places;
    // One more line says how many places there are besides.
    let each_is_a_place = lines.len() == places.len() || lines.len() == places.len() + 1 && places.len() == MANY;
    let mut items: Vec<String> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let link = places.get(at).filter(|_| each_is_a_place).map(|place| link(number, finding, place));
        items.push(match link {
            Some(link) => format!("{} {link}", said(line)),
            None => said(line),
        });
    }
    if !each_is_a_place {
        let named = |place: &Place| {
            format!("<code>{}</code>: {} {}", text(name(place)), bytes(place.bytes), link(number, finding, place))
        };
        items.extend(places.iter().map(named));
    }
    if items.is_empty() {
        return String::new();
    }
    let items: String = items.iter().map(|item| format!("<li>{item}</li>\n")).collect();
    format!("<ul class=\"evidence\">\n{items}</ul>\n")
}

/// Of so many places and more the largest ones are told.
const MANY: usize = 20;

/// The innermost thing that a place names.
fn name(place: &Place) -> &str {
    let named = [&place.node, &place.variable, &place.function, &place.file, &place.section];
    named.into_iter().flatten().next().map_or("", String::as_str)
}

/// A link to a place in the treemap.
fn link(number: usize, finding: &Finding, place: &Place) -> String {
    let mut hash = format!("#m={number}&finding={}", hashed(&finding.id));
    let named = [
        ("node", &place.node),
        ("variable", &place.variable),
        ("key", &place.key),
        ("function", &place.function),
        ("file", &place.file),
        ("section", &place.section),
    ];
    for (key, name) in named {
        if let Some(name) = name {
            hash.push_str(&format!("&{key}={}", hashed(name)));
        }
    }
    format!("<a class=\"place\" href=\"{hash}\" aria-label=\"show {} in the treemap\">show</a>", text(name(place)))
}
