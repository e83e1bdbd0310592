//! `tillbusctl explain`: codes from the command line and from a pipe, and what is said of them.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::tool::{Tool, program};

/// Runs it with this on standard input; what it printed, its errors, and whether it was content.
fn explain(arguments: &[&str], input: &[u8]) -> (String, String, bool) {
    let mut command = program();
    command.arg("explain").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    process.stdin.take().unwrap().write_all(input).unwrap();
    let output = process.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.success())
}

#[test]
fn a_code_is_explained_with_its_fields_and_rules() {
    let (output, errors, done) = explain(&["]E04006381333931"], b"");
    assert!(done, "{errors}");
    for wanted in [
        "gtin  ean-13 (]E0)  4006381333931",
        "gtin-14  04006381333931",
        "the device sent the identifier ]E0",
        "check digit",
    ] {
        assert!(output.contains(wanted), "{wanted:?} in:\n{output}");
    }
}

#[test]
fn codes_come_through_a_pipe_as_they_are() {
    let (output, errors, done) =
        explain(&["--json"], b"4006381333931\r\n\\x41\n\nhttps://a.example/\n");
    assert!(done, "{errors}");
    let said: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(&str, &str)> = said
        .iter()
        .map(|code| (code["content"].as_str().unwrap(), code["text"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("gtin", "4006381333931"), ("text", "\\x41"), ("url", "https://a.example/")]);
    assert!(said.iter().all(|code| !code["why"].as_array().unwrap().is_empty()));
}

#[test]
fn a_whole_input_is_one_code() {
    let (output, errors, done) = explain(&["--json", "--whole"], b"two\r\nlines\r\n");
    assert!(done, "{errors}");
    let code: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(code["text"], "two\u{240D}\u{240A}lines");
}

#[test]
fn a_device_of_the_configuration_lends_its_role_and_encodings() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("tillbus.toml");
    let text = "[[device]]\nname = \"box\"\nrole = \"goods\"\nmatch = { tty = \"/dev/ttyS1\" }\n\
                profile = \"generic-line-scanner\"\n[device.protocol]\nencoding = \"shift_jis\"\n";
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let of_box = ["--device", "box", "--config", config, "--json"];
    let (output, errors, done) = explain(&of_box, b"\x83\x65\x83\x58\x83\x67\n");
    assert!(done, "{errors}");
    let code: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(
        (code["text"].as_str(), code["encoding"].as_str()),
        (Some("テスト"), Some("shift_jis"))
    );
    let (_, errors, done) = explain(&["--device", "bax", "--config", config, "1"], b"");
    assert!(!done && errors.contains("no device \"bax\"; its devices: box"), "{errors}");
}

#[test]
fn a_card_number_is_told_of_and_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("tillbus.toml");
    let text = "[[device]]\nname = \"box\"\nrole = \"goods\"\nmatch = { tty = \"/dev/ttyS1\" }\n\
                profile = \"generic-line-scanner\"\n[cards]\nfinancial-cards = \"allow\"\n";
    std::fs::write(&config, text).unwrap();
    let of_box = ["--device", "box", "--config", config.to_str().unwrap()];
    let codes = "4111111111111111\n4111 1111 1111 1111\nhttps://a.example/4111111111111111?x\n\
                 %B4111111111111111^TEST/CARD^2512101?\n]C10104006381333931914111111111111111\n";
    for arguments in [&[][..], &["--json"], &of_box, &[&of_box[..], &["--json"]].concat()] {
        let (output, errors, done) = explain(arguments, codes.as_bytes());
        assert!(done, "{errors}");
        for number in ["4111111111111111", "4111 1111 1111 1111", "TEST", "34313131"] {
            assert!(!output.contains(number) && !errors.contains(number), "{number} in:\n{output}");
        }
        for wanted in ["card number", "one that visa gives out", "financial-cards"] {
            assert!(output.matches(wanted).count() >= 5, "{wanted:?} in:\n{output}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    for (arguments, wanted) in [
        (&["explain", "--symbology", "qrr", "x"][..], "did you mean `qr`?"),
        (&["explain", ""], "the code is empty"),
        (&["explain", "--role", "shop", "x"], "goods, payment, both"),
    ] {
        let ended = Tool::alone(arguments).ended().await;
        assert_ne!(ended.status, Some(0), "{arguments:?}");
        assert!(ended.errors.contains(wanted), "{arguments:?}: {}", ended.errors);
    }
}
