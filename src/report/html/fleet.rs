//! Several models: what is true of them together, and a table that leads to each.

use super::fragment;
use super::markup::text;
use crate::report::document::{Block, Section, SectionKind};
use crate::report::folder::{common_folder, inside};
use crate::report::pages;
use crate::report::{ModelReport, Report, View};
use crate::size::{human, share};

/// The sections of the fleet; the table is a page's own, in which the models that are `shown` are links.
pub(super) fn html(report: &Report, view: &View, shown: &[(usize, &ModelReport)]) -> String {
    let mut html = String::new();
    for section in pages::fleet_page(report, view) {
        match section.kind {
            SectionKind::Subject => {
                let Section { title, kind, close, .. } = section;
                let blocks = section.blocks.into_iter().filter(|block| !matches!(block, Block::Table(_))).collect();
                html.push_str(&fragment::sections(&[Section { title, kind, close, blocks }]));
                html.push_str(&table(report, view, shown));
            }
            _ => html.push_str(&fragment::sections(&[section])),
        }
    }
    html
}

fn table(report: &Report, view: &View, shown: &[(usize, &ModelReport)]) -> String {
    let folder = common_folder(report);
    let has_page = |number: usize| shown.iter().any(|(other, _)| *other == number);
    let mut html = String::from(
        "<div class=\"wide\"><table class=\"fleet\">\n<thead><tr><th scope=\"col\">model</th>\
         <th scope=\"col\" class=\"figure\">size</th><th scope=\"col\" class=\"figure\">avoidable</th>\
         <th scope=\"col\" class=\"figure\">share</th><th scope=\"col\">largest cause</th>\
         <th scope=\"col\" class=\"figure\">of it</th><th scope=\"col\" class=\"figure\">problems</th></tr></thead>\n<tbody>\n",
    );
    for number in pages::order_of_models(report, view) {
        let Some(model) = report.models.get(number) else { continue };
        let whole = model.total_bytes;
        let (path, name) = (text(&model.path), text(inside(&model.path, folder)));
        let name = match has_page(number) {
            true => format!("<a href=\"#m={number}\" title=\"{path}\"><code>{name}</code></a>"),
            false => format!("<code title=\"{path}\">{name}</code>"),
        };
        let cause = model.findings.first();
        html.push_str(&format!(
            "<tr><td>{name}</td>{}{}{}<td>{}</td>{}{}</tr>\n",
            figure(whole, &human(whole)),
            figure(model.findings_bytes, &human(model.findings_bytes)),
            figure(per_million(model.findings_bytes, whole), &share(model.findings_bytes, whole)),
            cause.map_or(String::new(), |finding| text(&finding.id)),
            cause.map_or("<td></td>".to_owned(), |finding| {
                figure(per_million(finding.bytes, whole), &share(finding.bytes, whole))
            }),
            match model.problems.len() {
                0 => "<td></td>".to_owned(),
                problems => figure(problems as u64, &problems.to_string()),
            },
        ));
    }
    let totals = &report.totals;
    html.push_str(&format!(
        "</tbody>\n<tfoot><tr class=\"strong\"><td>total</td>{}{}{}<td></td><td></td><td></td></tr></tfoot></table></div>\n",
        figure(totals.bytes, &human(totals.bytes)),
        figure(totals.findings_bytes, &human(totals.findings_bytes)),
        figure(per_million(totals.findings_bytes, totals.bytes), &share(totals.findings_bytes, totals.bytes)),
    ));
    if shown.len() < report.models.len() {
        html.push_str(&format!(
            "<p class=\"quiet\">The {} models with the most avoidable bytes can be looked into here; a page of a single \
             model shows any other.</p>\n",
            shown.len()
        ));
    }
    html
}

/// A figure, and the number that the column is sorted by.
fn figure(number: u64, said: &str) -> String {
    format!("<td class=\"figure\" data-sort=\"{number}\">{said}</td>")
}

fn per_million(part: u64, whole: u64) -> u64 {
    let share = u128::from(part) * 1_000_000 / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}
