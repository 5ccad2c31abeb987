//! Models in archives: what is read of them, what is refused, and what damage costs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use bytes::Bytes;
use smaudit::input::{ArchiveFormat, FindError, Finder, Found, Limits, Model, find};
use smaudit::progress::Silent;
use smaudit::report::ModelReport;
use smaudit::{Options, audit};
use support::archive::{add, all, gzip, tar, zip, zip_by, zstd};
use support::bundle::{DATA, INDEX, bytes_entry, index};
use support::files::tree;
use support::random::Random;
use support::wire::{constant, graph, meta_graph, node, saved_model};
use tar::{Builder, EntryType};

/// Files of a model with a variable, as names and contents.
fn files() -> Vec<(String, Vec<u8>)> {
    let graph = graph([&constant("weights", &[7; 100]), &node("x", "Placeholder")]);
    let main = saved_model([&meta_graph(&["serve"], &graph)]).0;
    let data: Vec<u8> = (0..600_u32).map(|at| (at * at % 251) as u8).collect();
    let index = index(&[("bias", bytes_entry(0, 200)), ("kernel", bytes_entry(200, 400))]);
    vec![("saved_model.pb".into(), main), (INDEX.into(), index), (DATA.into(), data)]
}

/// The model in a folder; an empty name for none.
fn in_folder(folder: &str) -> Vec<(String, Vec<u8>)> {
    let name = |name: String| if folder.is_empty() { name } else { format!("{folder}/{name}") };
    files().into_iter().map(|(file, contents)| (name(file), contents)).collect()
}

fn borrowed(files: &[(String, Vec<u8>)]) -> Vec<(&str, &[u8])> {
    files.iter().map(|(name, contents)| (&**name, &**contents)).collect()
}

fn find_in(bytes: impl Into<Bytes>) -> Result<Found, FindError> {
    Finder::default().find_in(bytes.into(), "a")
}

/// The only model of an archive that has no problem itself.
#[track_caller]
fn only(bytes: impl Into<Bytes>) -> Model {
    let found = find_in(bytes).unwrap();
    assert_eq!((found.locations.len(), told(&found)), (1, vec![]));
    found.locations[0].read()
}

fn told(found: &Found) -> Vec<String> {
    found.problems.iter().map(ToString::to_string).collect()
}

fn names(model: &Model) -> Vec<&str> {
    model.files.iter().map(|file| file.name.as_str()).collect()
}

fn problems(model: &Model) -> Vec<String> {
    model.problems.iter().map(ToString::to_string).collect()
}

fn report(model: &Model) -> ModelReport {
    audit(model, &Options::default(), &Silent).unwrap()
}

/// Audits all that is found, whose books balance or it is an error; says whether all could be read.
fn is_whole(found: &Result<Found, FindError>) -> bool {
    let Ok(found) = found else { return false };
    let reports: Vec<ModelReport> = found.locations.iter().map(|location| report(&location.read())).collect();
    found.problems.is_empty() && reports.iter().all(|report| report.problems.is_empty())
}

// --- what is read ---

#[test]
fn a_model_in_any_archive_is_the_model_in_a_directory() {
    let directory = tree(&borrowed(&files()));
    let mut wanted = report(&Model::read(directory.path(), "a"));
    for folder in ["", "model", "deep/er"] {
        for (format, bytes) in all(&borrowed(&in_folder(folder))) {
            let (packed, mut model) = (bytes.len() as u64, report(&only(bytes)));
            let archive = model.archive.take().unwrap();
            assert_eq!((archive.format.name(), &*archive.folder, archive.packed_bytes), (format, folder, packed));
            assert_eq!((archive.files, archive.unpacked_bytes), (3, model.total_bytes), "{format}");
            wanted.path = if folder.is_empty() { "a".to_owned() } else { format!("a/{folder}") };
            assert_eq!(model, wanted, "{format}");
        }
    }
}

#[test]
fn what_is_not_compressed_is_not_copied() {
    let stored = zip_by(::zip::CompressionMethod::Stored, &borrowed(&files()));
    for bytes in [tar(&borrowed(&files())), stored].map(Bytes::from) {
        let within = bytes.as_ptr_range();
        for file in &only(bytes.clone()).files {
            assert!(within.contains(&file.contents().unwrap().as_ptr()), "{}", file.name);
        }
    }
}

#[test]
fn an_archive_of_versions_has_a_model_each_in_the_order_of_their_numbers() {
    let files: Vec<_> = ["10", "9", "latest"].iter().flat_map(|folder| in_folder(folder)).collect();
    let mut files = borrowed(&files);
    files.push(("README.md", b"four"));
    files.push(("9/assets.extra/saved_model.pb", b""));
    for (format, bytes) in all(&files) {
        let found = find_in(bytes).unwrap();
        let shown: Vec<&str> = found.locations.iter().map(|location| &*location.shown).collect();
        assert_eq!(shown, ["a/9", "a/10", "a/latest"], "{format}");
        let models: Vec<Model> = found.locations.iter().map(smaudit::input::Location::read).collect();
        assert_eq!(models.iter().map(|model| model.files.len()).collect::<Vec<_>>(), [4, 3, 3]);
        let archive = models[0].archive.as_ref().unwrap();
        assert_eq!(archive.files, 11);
        assert_eq!(archive.unpacked_bytes, 4 + models.iter().map(Model::bytes).sum::<u64>());
    }
}

#[test]
fn of_files_of_one_name_the_last_counts_as_when_it_is_unpacked() {
    let model = only(tar(&[("saved_model.pb", b""), ("./x", b"old one"), ("x", b"new")]));
    assert_eq!(model.file("x").unwrap().contents().unwrap(), "new");
    assert_eq!(model.bytes(), 3);
}

#[test]
fn an_archive_is_told_by_its_contents_and_not_by_its_name() {
    let (directory, archive) = (tree(&[]), tar(&borrowed(&in_folder("m"))));
    let at = |name: &str| directory.path().join(name);
    for name in ["model.bin", "model", "model.zip"] {
        std::fs::write(at(name), &archive).unwrap();
        let model = find(&at(name)).unwrap().locations[0].read();
        assert_eq!(model.archive.unwrap().format, ArchiveFormat::Tar, "{name}");
    }
    // A Keras model is a zip inside, and has its own advice.
    std::fs::write(at("model.keras"), zip(&[("config.json", b"{}")])).unwrap();
    let message = find(&at("model.keras")).unwrap_err().to_string();
    assert!(message.contains("looks like a Keras model: load it"), "{message}");
}

#[test]
fn gzip_members_and_zstandard_frames_are_read_one_after_the_other_and_padding_is_none_of_them() {
    let whole = tar(&borrowed(&files()));
    let (front, back) = whole.split_at(700);
    let skipped = [&0x184d_2a53_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), b"abc"].concat();
    for parts in [vec![gzip(front), gzip(back), vec![0; 600]], vec![skipped, zstd(front), zstd(back), vec![0; 9]]] {
        assert_eq!(report(&only(parts.concat())).problems, []);
    }
}

#[test]
fn long_names_and_names_that_are_not_utf8_stay_apart() {
    let long = "d/".repeat(80) + "file";
    let mut builder = Builder::new(Vec::new());
    add(&mut builder, b"saved_model.pb", EntryType::Regular, "", b"");
    add(&mut builder, b"a\xff", EntryType::Regular, "", b"1");
    add(&mut builder, b"a\xfe", EntryType::Regular, "", b"12");
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    builder.append_data(&mut header, &long, &b"123"[..]).unwrap();
    let model = only(builder.into_inner().unwrap());
    assert_eq!(names(&model), ["a\u{fffd}", "a\u{fffd} (2)", &long, "saved_model.pb"]);
    assert_eq!(model.files.iter().map(|file| file.bytes).collect::<Vec<_>>(), [2, 1, 3, 0]);
}

#[test]
fn a_zip_with_the_backslashes_of_windows_has_folders() {
    let model = only(zip(&[("m\\saved_model.pb", b""), ("m\\assets\\a.txt", b"1")]));
    assert_eq!(names(&model), ["assets/a.txt", "saved_model.pb"]);
}

#[test]
fn an_archive_that_changes_while_it_is_audited_is_noticed() {
    let archive = tar(&borrowed(&files()));
    let directory = tree(&[("model.tar", &archive)]);
    let path = directory.path().join("model.tar");
    let model = find(&path).unwrap().locations[0].read();
    assert_eq!(model.changes(), []);
    std::fs::write(&path, &archive[..2000]).unwrap();
    let changes: Vec<String> = model.changes().iter().map(ToString::to_string).collect();
    assert!(changes.len() == 1 && changes[0].contains("changed while the audit ran"), "{changes:?}");
}

// --- what is refused ---

#[test]
fn links_devices_and_names_that_lead_out_are_refused_by_name_and_the_rest_is_read() {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, target) in [
        ("m/saved_model.pb", EntryType::Regular, ""),
        ("m/variables", EntryType::Symlink, "/etc"),
        ("m/assets/a", EntryType::Link, "m/saved_model.pb"),
        ("m/pipe", EntryType::Fifo, ""),
        ("m/null", EntryType::Char, ""),
        ("m/holes", EntryType::GNUSparse, ""),
        ("m/odd", EntryType::new(b'Z'), ""),
        ("latest", EntryType::Symlink, "m"),
        ("m/../../escaped", EntryType::Regular, ""),
        ("/etc/cron.d/x\u{1b}[2J", EntryType::Regular, ""),
        ("m/assets/", EntryType::Directory, ""),
    ] {
        add(&mut builder, name.as_bytes(), kind, target, b"");
    }
    let found = find_in(builder.into_inner().unwrap()).unwrap();
    let model = found.locations[0].read();
    assert_eq!(names(&model), ["saved_model.pb"]);
    // One of them is that the main file is empty.
    assert_eq!(report(&model).problems.len(), 7);
    for (said, wanted) in problems(&model).iter().zip([
        "assets/a: is a hard link to m/saved_model.pb, not a regular file, and is refused",
        "holes: is a sparse file, which is not read",
        "null: is a device, not a regular file",
        "odd: is of type 'Z', not a regular file",
        "pipe: is a named pipe, not a regular file",
        "variables: is a symbolic link to /etc, not a regular file",
    ]) {
        assert!(said.starts_with(wanted), "{said} should begin with {wanted}");
    }
    let told = told(&found);
    assert_eq!(told[0], "a: the entry m/../../escaped is refused: its name leads out of the archive by `..`");
    assert_eq!(told[1], "a: the entry /etc/cron.d/x\\u{1b}[2J is refused: its name is an absolute path");
    assert!(told[2].starts_with("a: the entry latest is a symbolic link to m, not a regular file"), "{told:?}");
    assert_eq!(told.len(), 3);
}

#[test]
fn a_link_in_a_zip_is_refused_and_an_encrypted_file_or_another_method_not_read() {
    let mut writer = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.add_symlink("variables", "/etc", ::zip::write::SimpleFileOptions::default()).unwrap();
    writer.start_file("saved_model.pb", ::zip::write::SimpleFileOptions::default()).unwrap();
    let said = problems(&only(writer.finish().unwrap().into_inner()));
    assert!(said.len() == 1 && said[0].starts_with("variables: is a symbolic link"), "{said:?}");

    let plain = zip(&[("assets/a", b"1"), ("saved_model.pb", b"")]);
    // In the directory, flags stand 8 bytes behind the signature, the method 10.
    let directory = plain.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    for (at, value, wanted) in [(8, 1, "is encrypted, and is not read"), (10, 99, "is compressed as ")] {
        let mut bytes = plain.clone();
        bytes[directory + at] = value;
        let said = problems(&only(bytes));
        assert!(said.len() == 1 && said[0].starts_with(&format!("assets/a: {wanted}")), "{said:?}");
    }
}

#[test]
fn a_compressed_file_that_is_no_tar_and_a_file_that_is_called_like_an_archive_are_told_of() {
    for bytes in [gzip(b"not a tar"), gzip(&[1; 5000]), zstd(b"not a tar")] {
        let message = find_in(bytes).unwrap_err().to_string();
        assert!(message.starts_with("a: is compressed, but what is in it is no tar"), "{message}");
    }
    for (contents, why) in [("", "but it is empty"), ("text", "but it begins like none of them")] {
        let directory = tree(&[("model.tar.gz", contents.as_bytes())]);
        let message = find(&directory.path().join("model.tar.gz")).unwrap_err().to_string();
        assert!(message.contains("expected an archive (.tar, .tar.gz, .tar.zst or .zip)"), "{message}");
        assert!(message.ends_with(why), "{message}");
    }
}

#[test]
fn an_archive_without_a_model_says_what_is_in_it() {
    for (format, bytes) in all(&[("m/model.h5", b"1"), ("inner.tar.gz", b"")]) {
        let message = find_in(bytes).unwrap_err().to_string();
        for part in ["a: no SavedModel", "found 2 files: inner.tar.gz, m/model.h5", "m/model.h5 looks like a Keras"] {
            assert!(message.contains(part), "{format}: {message}");
        }
    }
}

// --- limits ---

#[test]
fn each_limit_is_named_with_how_much_it_allows() {
    let many: Vec<(String, Vec<u8>)> = (0..20).map(|number| (format!("{number}"), vec![])).collect();
    let large = [("saved_model.pb", &[0; 100_000][..])];
    let entries = Limits { entries: 19, ..Limits::default() };
    let unpacked = Limits { unpacked: 99_999, ..Limits::default() };
    let ratio = Limits { ratio: 10, ratio_from: 50_000, ..Limits::default() };
    let message = |limits: Limits, bytes: Vec<u8>| {
        let result = Finder::new(limits, &Silent).find_in(bytes.into(), "a");
        result.map(|found| found.locations.len()).map_err(|error| error.to_string())
    };
    for (format, bytes) in all(&borrowed(&many)) {
        let said = message(entries, bytes).unwrap_err();
        assert!(said.starts_with("a: holds more than 19 entries"), "{format}: {said}");
    }
    for (format, bytes) in all(&large) {
        let packed = bytes.len();
        if format == "tar" {
            assert_eq!(message(unpacked, bytes.clone()), Ok(1), "nothing is unpacked");
            assert_eq!(message(ratio, bytes), Ok(1));
            continue;
        }
        assert_eq!(message(Limits::default(), bytes.clone()), Ok(1));
        let said = message(unpacked, bytes.clone()).unwrap_err();
        assert!(said.starts_with("a: unpacks to more than 99999 bytes"), "{format}: {said}");
        let said = message(ratio, bytes).unwrap_err();
        let wanted = format!("a: unpacks to more than 50000 bytes, over 10 times its own {packed} bytes");
        assert!(said.starts_with(&wanted) && said.ends_with("unpack it and audit the directory"), "{format}: {said}");
    }
}

#[test]
fn the_archives_of_a_run_share_what_may_be_unpacked() {
    let mut finder = Finder::new(Limits { unpacked: 15_000, ..Limits::default() }, &Silent);
    let bytes = gzip(&tar(&[("saved_model.pb", &[5; 8000])]));
    assert!(finder.find_in(bytes.clone().into(), "a").is_ok());
    let message = finder.find_in(bytes.into(), "b").unwrap_err().to_string();
    let left = 15_000 - tar(&[("saved_model.pb", &[5; 8000])]).len();
    assert!(message.starts_with(&format!("b: unpacks to more than {left} bytes, which is what is left of the 15000")));
}

// --- damage ---

#[test]
fn an_archive_cut_anywhere_is_audited_as_far_as_it_goes_and_said_to_be_cut() {
    let files = in_folder("m");
    for (format, whole) in all(&borrowed(&files)) {
        assert!(is_whole(&find_in(whole.clone())), "{format}");
        // The last block of zeros, and what fills a tar up to its record, may be missing.
        let needed = if format == "tar" { whole.len() - 512 } else { whole.len() };
        for length in 0..needed {
            assert!(!is_whole(&find_in(Bytes::copy_from_slice(&whole[..length]))), "{format} cut at {length}");
        }
    }
}

#[test]
fn what_is_in_front_of_a_cut_is_there_to_the_byte() {
    let mut noise = 1_u32;
    let data: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as u8
    })
    .take(300_000)
    .collect();
    let files: [(&str, &[u8]); 2] = [("saved_model.pb", b""), ("variables/variables.data-00000-of-00001", &data)];
    for (format, whole) in all(&files) {
        let found = find_in(whole[..200_000].to_vec()).unwrap();
        let model = found.locations[0].read();
        let left = model.files[1].contents().unwrap();
        assert!(left.len() > 120_000, "{format} has {}", left.len());
        assert!(data.starts_with(&left), "{format}");
        let said = problems(&model);
        let wanted = format!("byte {}: ", left.len());
        assert!(said.len() == 1 && said[0].contains(&wanted), "{format}: {said:?} wants {wanted}");
        let offset = found.problems.first().map(|problem| problem.offset);
        match format {
            "tar" => assert_eq!(offset, Some(Some(200_000))),
            _ => assert!(offset.is_some_and(|at| at.is_some_and(|at| at <= 200_000)), "{format}: {:?}", told(&found)),
        }
    }
}

#[test]
fn a_damaged_header_of_a_tar_costs_its_entry() {
    let files = [("saved_model.pb", &b""[..]), ("assets/a", &[1; 600]), ("assets/b", &[2; 600])];
    let mut bytes = tar(&files);
    bytes[512] ^= 1;
    for (bytes, place) in
        [(bytes.clone(), "a: byte 512: "), (gzip(&bytes), "a: at byte 512 of the tar when unpacked: ")]
    {
        let found = find_in(bytes).unwrap();
        assert_eq!(names(&found.locations[0].read()), ["assets/b", "saved_model.pb"]);
        let told = told(&found);
        assert!(told.len() == 1 && told[0].starts_with(place), "{told:?}");
        assert!(told[0].ends_with("the next header is looked for behind it"), "{told:?}");
    }
}

#[test]
fn a_wrong_checksum_is_a_problem_and_the_contents_are_audited() {
    let files = files();
    for (format, whole) in [("tar.gz", gzip(&tar(&borrowed(&files)))), ("tar.zst", zstd(&tar(&borrowed(&files))))] {
        let mut bytes = whole;
        // The checksum is at the end; gzip has the length behind it.
        let at = bytes.len() - if format == "tar.gz" { 8 } else { 4 };
        bytes[at] ^= 1;
        let found = find_in(bytes).unwrap();
        assert!(told(&found).len() == 1 && told(&found)[0].contains("checksum"), "{format}: {:?}", told(&found));
        assert_eq!(report(&found.locations[0].read()).problems, []);
    }
    for method in [::zip::CompressionMethod::Stored, ::zip::CompressionMethod::Deflated] {
        let mut bytes = zip_by(method, &[("assets/a", b"words"), ("saved_model.pb", b"")]);
        let directory = bytes.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        bytes[directory + 16] ^= 1;
        let model = only(bytes);
        let said = problems(&model);
        assert!(said.len() == 1 && said[0].starts_with("assets/a: expected CRC-32 0x"), "{said:?}");
        assert_eq!(model.file("assets/a").unwrap().contents().unwrap(), "words");
    }
}

#[test]
fn a_file_of_a_zip_that_is_larger_than_said_is_cut_at_what_was_said() {
    let mut bytes = zip(&[("assets/a", &[7; 300]), ("saved_model.pb", b"")]);
    let directory = bytes.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    bytes[directory + 24..directory + 28].copy_from_slice(&200_u32.to_le_bytes());
    let model = only(bytes);
    assert_eq!(model.files[0].bytes, 200);
    assert_eq!(problems(&model), ["assets/a: byte 200: the archive says 200 bytes, and there are more"]);
}

#[test]
fn what_stands_behind_a_compressed_archive_is_a_problem() {
    for (format, mut bytes) in all(&borrowed(&files())) {
        if !format.starts_with("tar.") {
            continue;
        }
        let end = bytes.len();
        bytes.extend_from_slice(b"more");
        let told = told(&find_in(bytes).unwrap());
        assert!(told.len() == 1 && told[0].starts_with(&format!("a: byte {end}: expected the end")), "{told:?}");
    }
}

#[test]
fn random_damage_never_unbalances_the_books_nor_ends_the_process() {
    let mut random = Random(0x5eed_0005);
    let files = in_folder("m");
    for (_, whole) in all(&borrowed(&files)) {
        for _ in 0..1500 {
            let mut bytes = whole.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] = random.number() as u8;
            }
            is_whole(&find_in(bytes));
        }
    }
}
