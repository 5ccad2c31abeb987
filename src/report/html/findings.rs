//! The causes of size: each with what to do, when not to, and what it rests on, from where a link leads to its place.

use super::fragment::{self, inline};
use super::markup::{hashed, said, text};
use crate::findings::{Finding, Place, Slim};
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
        slim(finding) + &overlap(finding),
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

/// From which level on slim takes it away.
fn slim(finding: &Finding) -> String {
    if finding.slim == Slim::None { String::new() } else { format!(" (slim: {})", finding.slim.name()) }
}

/// What of it is counted with a larger one.
fn overlap(finding: &Finding) -> String {
    match finding.bytes.saturating_sub(finding.additional_bytes) {
        0 => String::new(),
        common if common == finding.bytes => " <span class=\"quiet\">(all of it counted above)</span>".to_owned(),
        common => format!(" <span class=\"quiet\">({} of it counted above)</span>", human(common)),
    }
}

/// So many lines are seen at once, the rest is folded.
const LINES: usize = 6;

/// What it rests on. A line that is of a place is a link to it.
fn evidence(number: usize, finding: &Finding) -> String {
    let mut places = finding.places.iter().peekable();
    let item = |line: &String| {
        // Places are those of the lines that have one, in their order; both say the bytes.
        let place = places.next_if(|place| line.ends_with(&format!(": {}", bytes(place.bytes))));
        let link = place.map(|place| format!(" {}", link(number, finding, place))).unwrap_or_default();
        format!("<li>{}{link}</li>\n", said(line))
    };
    let items: Vec<String> = finding.evidence.iter().map(item).collect();
    let (seen, folded) = items.split_at(LINES.min(items.len()));
    match (seen, folded) {
        ([], _) => String::new(),
        (seen, [] | [_]) => format!("<ul class=\"evidence\">\n{}{}</ul>\n", seen.concat(), folded.concat()),
        (seen, folded) => format!(
            "<ul class=\"evidence\">\n{}</ul>\n<details><summary>{} more lines</summary><ul class=\"evidence\">\n{}</ul>\
             </details>\n",
            seen.concat(),
            folded.len(),
            folded.concat()
        ),
    }
}

/// The innermost part that a place names.
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
