//! What begins like a URL is one, and is never taken for a path. What is read of stores is tried in `tests/remote`.

use crate::run::run;
use support::files::tree;

const MAIN: &[u8] = b"";

#[test]
fn a_url_that_is_not_read_is_wrong_usage_also_where_there_is_such_a_path() {
    let directory = tree(&[("ftp:/host/saved_model.pb", MAIN)]);
    for arguments in
        ["ftp://host", "why ftp://host x", "baseline ftp://host -o -", "diff ftp://host x", "x -o ftp://host"]
    {
        let refused = run(&directory, arguments).exits(2).without_report();
        assert!(refused.stderr.contains("ftp:// is not read"), "{}", refused.stderr);
    }
}

#[test]
fn credentials_in_a_url_are_not_taken_and_not_repeated() {
    let directory = tree(&[("x", b"")]);
    for url in ["https://user:secret@host/model", "https://host/model?sig=secret", "s3://secret@bucket/model"] {
        let refused = run(&directory, url).exits(2).without_report();
        assert!(refused.stderr.contains("credentials") && !refused.stderr.contains("secret"), "{}", refused.stderr);
    }
}

#[test]
fn options_of_stores_are_refused_where_there_is_none() {
    let directory = tree(&[("model/saved_model.pb", MAIN), ("seen.jsonl", b"")]);
    let refused = run(&directory, "model --remote-depth full").exits(2).without_report();
    assert!(refused.stderr.contains("--remote-depth is for models at URLs"), "{}", refused.stderr);
    let refused = run(&directory, "model -f jsonl --resume seen.jsonl").exits(2).without_report();
    assert!(refused.stderr.contains("--resume is for --format jsonl of models at URLs"), "{}", refused.stderr);
    let refused = run(&directory, "slim s3://bucket/model -o x").exits(2).without_report();
    assert!(refused.stderr.contains("download the model"), "{}", refused.stderr);
}

#[cfg(not(feature = "remote"))]
#[test]
fn without_what_reads_them_a_url_says_how_to_get_that() {
    let directory = tree(&[("s3:/bucket/saved_model.pb", MAIN)]);
    for url in
        ["s3://bucket", "gs://bucket/model", "az://container/model", "https://host/model", "http://localhost/model"]
    {
        for format in ["json", "jsonl"] {
            let refused = run(&directory, &format!("{url} -f {format}")).exits(3);
            assert!(refused.stderr.contains("cargo install smaudit --features remote"), "{}", refused.stderr);
        }
    }
}
