//! The arrows between the modules, and the house's other rules that a compiler does not know.
//!
//! Comments, strings and `#[cfg(test)]` modules are left out: a rule is about what runs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// One rule: nothing under these places names any of these words, but in the places excepted.
///
/// A place is a path under the repository, a folder with its `/`. A word is a path as source writes it
/// (`tokio`, `crate::transport`): it matches at the boundaries of identifiers.
struct Rule {
    why: &'static str,
    places: &'static [&'static str],
    words: &'static [&'static str],
    except: &'static [&'static str],
}

const PURE: &[&str] = &[
    "src/event.rs",
    "src/event/",
    "src/frame/",
    "src/hid.rs",
    "src/hid/",
    "src/normalize/",
    "src/profile.rs",
    "src/protocol/",
    "src/recording.rs",
    "src/recording/",
    "src/secret.rs",
    "src/secret/",
    "src/settings.rs",
    "src/transaction.rs",
    "src/wiring/",
];

const RULES: &[Rule] = &[
    Rule {
        why: "pure modules take bytes and time as arguments and touch nothing",
        places: PURE,
        words: &[
            "tokio",
            "tokio_serial",
            "zbus",
            "rusb",
            "udev",
            "tracing",
            "std::fs",
            "std::net",
            "std::thread",
            "std::env",
            "std::process",
            "std::time::Instant",
            "std::time::SystemTime",
            "Instant::now",
            "SystemTime::now",
        ],
        except: &[],
    },
    Rule {
        why: "pure modules ask nothing of the system, but for memory that it does not swap out",
        places: PURE,
        words: &["nix", "libc"],
        except: &["src/secret/vault.rs"],
    },
    Rule {
        why: "pure modules know nothing of what drives them",
        places: PURE,
        words: &[
            "crate::transport",
            "crate::hotplug",
            "crate::session",
            "crate::daemon",
            "crate::dbus",
            "crate::store",
            "crate::clock",
            "crate::journal",
            "crate::sim",
            "crate::config",
        ],
        except: &[],
    },
    Rule {
        why: "events and secrets are the words everyone uses; they use nobody's",
        places: &["src/event.rs", "src/event/", "src/secret.rs", "src/secret/"],
        words: &[
            "crate::frame",
            "crate::normalize",
            "crate::protocol",
            "crate::profile",
            "crate::recording",
            "crate::settings",
        ],
        except: &[],
    },
    Rule {
        why: "framers know bytes, not the protocols and meanings made of them",
        places: &["src/frame/"],
        words: &["crate::protocol", "crate::normalize", "crate::profile"],
        except: &[],
    },
    Rule {
        why: "normalization starts where protocols end",
        places: &["src/normalize/"],
        words: &["crate::protocol", "crate::frame"],
        except: &[],
    },
    Rule {
        why: "only the bus's converter, the tool (a client) and the daemon's binary know the bus",
        places: &["src/"],
        words: &["zbus"],
        except: &["src/dbus/", "src/bin/tillbusctl/", "src/bin/tillbusd.rs"],
    },
    Rule {
        why: "nothing but a binary reaches for the bus interfaces",
        places: &["src/"],
        words: &["crate::dbus"],
        except: &["src/dbus/"],
    },
    Rule {
        why: "the bus converts; it never reaches past the daemon",
        places: &["src/dbus/"],
        words: &["crate::transport", "crate::session", "crate::hotplug"],
        except: &[],
    },
    Rule {
        why: "the daemon sits above sessions; nothing below it knows it",
        places: &["src/"],
        words: &["crate::daemon"],
        except: &["src/daemon.rs", "src/daemon/", "src/dbus/"],
    },
    Rule {
        why: "a transport moves bytes and knows no session",
        places: &["src/transport/", "src/hotplug.rs", "src/hotplug/"],
        words: &["crate::session", "crate::normalize", "crate::frame"],
        except: &[],
    },
    Rule {
        why: "USB goes through one file",
        places: &["src/"],
        words: &["rusb"],
        except: &["src/transport/usb.rs"],
    },
    Rule {
        why: "serial lines go through the transport",
        places: &["src/"],
        words: &["tokio_serial"],
        except: &["src/transport/"],
    },
    Rule {
        why: "one file reads clocks",
        places: &["src/"],
        words: &["Instant::now", "SystemTime::now"],
        except: &["src/clock.rs", "src/bin/"],
    },
    Rule {
        why: "unsafe code is where file descriptors, clocks and the memory of secrets are",
        places: &["src/"],
        words: &["unsafe"],
        except: &[
            "src/transport/",
            "src/readiness.rs",
            "src/secret/",
            "src/store.rs",
            "src/store/",
            "src/clock.rs",
        ],
    },
];

const LONGEST_FILE: usize = 800;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The source files, with their paths under the repository.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push((under_root(&path), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "there are sources");
    files
}

fn under_root(path: &Path) -> String {
    let parts: PathBuf = path.strip_prefix(root()).unwrap().to_path_buf();
    parts.to_string_lossy().replace('\\', "/")
}

/// The source with comments, strings and characters blanked out, line by line where it was.
fn code_of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = skipped(rest);
        if skipped == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let (gone, after) = rest.split_at(skipped);
            code.push(' ');
            code.extend(gone.chars().filter(|character| *character == '\n'));
            rest = after;
        }
    }
    code
}

/// How many bytes from here are a comment, a string or a character; zero where none begins.
fn skipped(rest: &str) -> usize {
    let raw = rest.strip_prefix('b').unwrap_or(rest);
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        rest.find("*/").map_or(rest.len(), |end| end + 2)
    } else if raw.starts_with("r\"") || raw.starts_with("r#") {
        raw_string(rest, raw)
    } else if rest.starts_with('"') {
        quoted(rest, '"')
    } else if rest.starts_with("'\\") {
        quoted(rest, '\'')
    } else if rest.starts_with('\'') && rest.chars().nth(2) == Some('\'') {
        rest.char_indices().nth(3).map_or(rest.len(), |(end, _)| end)
    } else {
        0
    }
}

fn raw_string(rest: &str, raw: &str) -> usize {
    let hashes = raw[1..].bytes().take_while(|byte| *byte == b'#').count();
    let start = rest.len() - raw.len() + 1 + hashes;
    if !rest[start..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    rest[start + 1..].find(&end).map_or(rest.len(), |found| start + 1 + found + end.len())
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(1);
    while let Some((place, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            _ if character == quote => return place + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The code without its `#[cfg(test)]` items.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = code.to_owned();
    while let Some(start) = kept.find(MARK) {
        let end = end_of_item(&kept[start + MARK.len()..]);
        kept.replace_range(start..start + MARK.len() + end, "");
    }
    kept
}

/// Where an item ends: at its closing brace, or at its semicolon.
fn end_of_item(code: &str) -> usize {
    let mut depth = 0;
    for (place, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return place + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return place + 1,
            _ => {}
        }
    }
    code.len()
}

/// Writes `super::` paths out as `crate::` ones.
fn from_the_root(path: &str, code: &str) -> String {
    let module = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let parts: Vec<&str> = module.split('/').collect();
    (1..=parts.len()).rev().fold(code.to_owned(), |code, up| {
        let mut place = vec!["crate"];
        place.extend(&parts[..parts.len() - up]);
        code.replace(&"super::".repeat(up), &format!("{}::", place.join("::")))
    })
}

/// Writes `use a::{b, c::d}` out as `a::b` and `a::c::d`, so that words match in groups too.
fn paths_of(code: &str) -> String {
    let mut paths = code.to_owned();
    for statement in code.split("use ").skip(1) {
        let statement = statement.split(';').next().unwrap_or_default();
        let flat: String = statement.split_whitespace().collect();
        paths.push('\n');
        paths.push_str(&expand("", &flat).join("\n"));
    }
    paths
}

fn expand(before: &str, tree: &str) -> Vec<String> {
    let Some(open) = tree.find('{') else { return vec![format!("{before}{tree}")] };
    let before = format!("{before}{}", &tree[..open]);
    let inside = tree[open + 1..].strip_suffix('}').unwrap_or(&tree[open + 1..]);
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (place, character) in inside.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inside[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[start..]);
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .flat_map(|part| expand(&before, part))
        .collect()
}

/// Whether a word stands in the code, no part of a longer name.
fn names(code: &str, word: &str) -> bool {
    let part_of_name = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(word).any(|(place, _)| {
        let before = code[..place].chars().next_back();
        let after = code[place + word.len()..].chars().next();
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}

fn breaches(path: &str, source: &str) -> Vec<String> {
    let code = paths_of(&from_the_root(path, &without_tests(&code_of(source))));
    let stands = |places: &[&str]| {
        places
            .iter()
            .any(|place| path == *place || (place.ends_with('/') && path.starts_with(place)))
    };
    let mut breaches = Vec::new();
    for rule in RULES.iter().filter(|rule| stands(rule.places) && !stands(rule.except)) {
        for word in rule.words.iter().filter(|word| names(&code, word)) {
            breaches.push(format!("{path} names `{word}`: {}", rule.why));
        }
    }
    breaches
}

#[test]
fn arrows_point_one_way() {
    let breaches: Vec<String> =
        sources().iter().flat_map(|(path, source)| breaches(path, source)).collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn files_are_short() {
    for (path, source) in sources() {
        let lines = source.lines().count();
        assert!(
            lines <= LONGEST_FILE,
            "{path} has {lines} lines, more than {LONGEST_FILE}; split it"
        );
    }
}

#[test]
fn every_rule_finds_what_it_forbids() {
    for rule in RULES {
        for word in rule.words {
            let place = rule.places[0];
            let path =
                if place.ends_with('/') { format!("{place}made_up.rs") } else { place.to_owned() };
            let source = format!("fn made_up() {{ {word}::thing(); }}");
            assert!(!breaches(&path, &source).is_empty(), "{path} may name {word}: {}", rule.why);
        }
    }
}

#[test]
fn groups_are_seen_and_comments_strings_and_tests_are_not() {
    let path = "src/frame/line.rs";
    for (name, source, found) in [
        ("a group", "use std::{fmt, fs};", true),
        ("a group in a group", "use crate::{event::{Fault, Aim}, protocol::Info};", true),
        ("a path", "fn read() { std::fs::read(x); }", true),
        ("a path upwards", "use super::super::protocol::Info;", true),
        ("a path to a neighbour", "use super::Buffer;", false),
        ("after a lifetime", "fn a<'a>(x: &'a str) { tokio::spawn(x) }", true),
        (
            "after a quote character",
            "const A: char = '\"'; use zbus::Guid; const B: char = '\"';",
            true,
        ),
        (
            "after a string that ends in a backslash",
            r#"const A: &str = "\\"; use zbus::Guid; const B: &str = "";"#,
            true,
        ),
        ("a line comment", "// use std::fs;\n", false),
        ("a block comment", "/* tokio::spawn */ fn a() {}", false),
        ("a string", "const A: &str = \"tokio\";", false),
        ("a raw string", "const A: &str = r#\"tokio \" zbus\"#;", false),
        ("a test module", "#[cfg(test)]\nmod tests { use std::fs; fn a() { fs::x() } }", false),
        ("after a test module", "#[cfg(test)]\nmod tests { fn a() {} }\nuse std::fs;", true),
        ("part of a name", "fn my_tokio_like() {}", false),
    ] {
        assert_eq!(!breaches(path, source).is_empty(), found, "{name}: {source}");
    }
}
