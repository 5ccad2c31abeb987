//! Whether a report's books balance: what is fuzzed for, and asserted by all tests that audit through the library.

#![allow(dead_code, unreachable_pub)]

use smaudit::report::ModelReport;

/// Asserts that every sum of the report is `bytes`, or what it is a sum of.
#[track_caller]
pub fn assert_balanced(report: &ModelReport, bytes: u64) {
    assert_eq!(report.total_bytes, bytes);
    assert_eq!(report.categories.values().sum::<u64>(), bytes, "categories");
    assert_eq!(report.breakdown.total(), bytes, "breakdown");
    assert_eq!(report.files.iter().map(|file| file.bytes).sum::<u64>(), bytes, "files");
    assert!(report.duplicates.redundant_bytes <= bytes, "redundant bytes");
    assert!(report.findings_bytes <= bytes, "what can be avoided: {:?}", report.findings);
    for graph in &report.meta_graphs {
        assert_eq!(graph.sections.values().sum::<u64>(), graph.bytes, "sections of metagraph {}", graph.index);
        assert_eq!(graph.ops.iter().map(|op| op.count).sum::<u64>(), graph.nodes, "nodes of metagraph {}", graph.index);
    }
}
