//! Everything that can be wrong in a configuration file, and what is said about it.

use super::shop::{DEVICE, Row, but, refuse};

fn device(from: &str, to: &str) -> String {
    but(DEVICE, from, to)
}

fn more(text: &str) -> String {
    format!("{DEVICE}{text}")
}

#[test]
fn names_lanes_and_roles() {
    let rows: Vec<Row> = vec![
        (
            "no name",
            device("name = \"lane1-box\"\n", ""),
            r#"tillbus.toml:2:1: `name` is missing in device; accepted is a string"#,
        ),
        (
            "an empty name",
            device("\"lane1-box\"", "\" \""),
            r#"tillbus.toml:3:8: `name` is " "; accepted is text on one line, not empty"#,
        ),
        (
            "a name of two lines",
            device("\"lane1-box\"", "\"a\\nb\""),
            r#"tillbus.toml:3:8: `name` is "a\nb"; accepted is text on one line, not empty"#,
        ),
        (
            "a name that is a number",
            device("\"lane1-box\"", "7"),
            r#"tillbus.toml:3:8: `name` is 7 (integer); accepted is a string"#,
        ),
        (
            "a name too long",
            device("lane1-box", &"x".repeat(65)),
            r#"tillbus.toml:3:8: `name` has 65 bytes; accepted are up to 64"#,
        ),
        (
            "an empty lane",
            device("lane = \"1\"", "lane = \"\""),
            r#"tillbus.toml:4:8: `lane` is ""; accepted is text on one line, not empty"#,
        ),
        (
            "a lane that is a number",
            device("lane = \"1\"", "lane = 1"),
            r#"tillbus.toml:4:8: `lane` is 1 (integer); accepted is a string"#,
        ),
        (
            "a role that is none",
            device("\"payment\"", "\"payments\""),
            r#"tillbus.toml:5:8: `role` is "payments"; did you mean `payment`? (accepted: both, goods, payment)"#,
        ),
        (
            "a scanner without a role",
            device("role = \"payment\"\n", ""),
            r#"tillbus.toml:2:1: `role` is missing for a scanner; accepted: goods, payment, both"#,
        ),
        (
            "a key that is near one",
            device("lane =", "lame ="),
            r#"tillbus.toml:4:1: unknown key `lame` in device; did you mean `lane`? (accepted: access, cards, content, duplicate-window-ms, lane, line, match, name, profile, protocol, role)"#,
        ),
        (
            "a key that is near none",
            more("colour = \"red\"\n"),
            r#"tillbus.toml:8:1: unknown key `colour` in device; accepted: access, cards, content, duplicate-window-ms, lane, line, match, name, profile, protocol, role"#,
        ),
        (
            "a window too long",
            more("duplicate-window-ms = 60001\n"),
            r#"tillbus.toml:8:23: `duplicate-window-ms` is 60001 (integer); accepted is a whole number from 0 to 60000"#,
        ),
        (
            "a window that is negative",
            more("duplicate-window-ms = -1\n"),
            r#"tillbus.toml:8:23: `duplicate-window-ms` is -1 (integer); accepted is a whole number from 0 to 60000"#,
        ),
    ];
    refuse("tillbus.toml", &rows);
}

#[test]
fn matches() {
    let matching = |to: &str| device("{ tty = \"/dev/ttyS1\" }", to);
    let rows: Vec<Row> = vec![
        (
            "no match",
            device("match = { tty = \"/dev/ttyS1\" }\n", ""),
            r#"tillbus.toml:2:1: `match` is missing; accepted is one of { path = "/dev/serial/by-path/..." }, { usb = "0c2e:0b6a" }, { tty = "/dev/ttyS1" }, { pty = "/run/..." }"#,
        ),
        (
            "a match that is a string",
            matching("\"/dev/ttyS1\""),
            r#"tillbus.toml:6:9: `match` is "/dev/ttyS1" (string); accepted is one of { path = "/dev/serial/by-path/..." }, { usb = "0c2e:0b6a" }, { tty = "/dev/ttyS1" }, { pty = "/run/..." }"#,
        ),
        (
            "an empty match",
            matching("{}"),
            r#"tillbus.toml:6:9: `match` names no port; accepted is one of { path = "/dev/serial/by-path/..." }, { usb = "0c2e:0b6a" }, { tty = "/dev/ttyS1" }, { pty = "/run/..." }"#,
        ),
        (
            "two ports in one",
            matching("{ tty = \"/dev/ttyS1\", pty = \"/run/x\" }"),
            r#"tillbus.toml:6:9: `match` has tty and pty; accepted is one of { path = "/dev/serial/by-path/..." }, { usb = "0c2e:0b6a" }, { tty = "/dev/ttyS1" }, { pty = "/run/..." }"#,
        ),
        (
            "a relative path",
            matching("{ tty = \"ttyS1\" }"),
            r#"tillbus.toml:6:17: `tty` is "ttyS1"; accepted is an absolute path"#,
        ),
        (
            "a path that is a number",
            matching("{ path = 1 }"),
            r#"tillbus.toml:6:18: `path` is 1 (integer); accepted is a string"#,
        ),
        (
            "usb ids too short",
            matching("{ usb = \"c2e:b6a\" }"),
            r#"tillbus.toml:6:17: `usb` is "c2e:b6a"; accepted is VVVV:PPPP, four hex digits each"#,
        ),
        (
            "usb ids with a sign",
            matching("{ usb = \"+c2e:0b6a\" }"),
            r#"tillbus.toml:6:17: `usb` is "+c2e:0b6a"; accepted is VVVV:PPPP, four hex digits each"#,
        ),
        (
            "a product id only",
            matching("{ usb = \"0b6a\" }"),
            r#"tillbus.toml:6:17: `usb` is "0b6a"; accepted is VVVV:PPPP, four hex digits each"#,
        ),
        (
            "an empty serial number",
            matching("{ usb = \"0c2e:0b6a\", serial = \"\" }"),
            r#"tillbus.toml:6:39: `serial` is empty; accepted is to leave it out"#,
        ),
        (
            "an interface too high",
            matching("{ usb = \"0c2e:0b6a\", interface = 256 }"),
            r#"tillbus.toml:6:42: `interface` is 256 (integer); accepted is a whole number from 0 to 255"#,
        ),
        (
            "a serial number of a tty",
            matching("{ tty = \"/dev/ttyS1\", serial = \"A\" }"),
            r#"tillbus.toml:6:31: unknown key `serial` in match; accepted: tty"#,
        ),
        (
            "a kind of match near one",
            matching("{ ttty = \"/dev/ttyS1\" }"),
            r#"tillbus.toml:6:11: unknown key `ttty` in match; did you mean `tty`? (accepted: path, pty, tty, usb)"#,
        ),
    ];
    refuse("tillbus.toml", &rows);
}

#[test]
fn profiles_lines_and_protocols() {
    let rows: Vec<Row> = vec![
        (
            "no profile",
            device("profile = \"generic-line-scanner\"\n", ""),
            r#"tillbus.toml:2:1: `profile` is missing in device; accepted is a string"#,
        ),
        (
            "a profile near one",
            device("generic-line-scanner", "generic-line-scaner"),
            r#"tillbus.toml:7:11: no profile is called "generic-line-scaner"; did you mean `generic-line-scanner`? (accepted: PROFILES)"#,
        ),
        (
            "a wrong speed",
            more("[device.line]\nbaud = 49\n"),
            r#"tillbus.toml:9:8: `baud` is 49 (integer); accepted is a whole number from 50 to 4000000"#,
        ),
        (
            "a wrong speed in a list",
            more("[device.line]\nbaud = [9600, \"fast\"]\n"),
            r#"tillbus.toml:9:15: `baud` is "fast" (string); accepted is a whole number from 50 to 4000000"#,
        ),
        (
            "no speed in a list",
            more("[device.line]\nbaud = []\n"),
            r#"tillbus.toml:9:8: `baud` is an empty list; name at least one value"#,
        ),
        (
            "a speed twice",
            more("[device.line]\nbaud = [9600, 9600]\n"),
            r#"tillbus.toml:9:8: `baud` has 9600 twice; accepted is each speed once"#,
        ),
        (
            "nine data bits",
            more("[device.line]\ndata-bits = 9\n"),
            r#"tillbus.toml:9:13: `data-bits` is 9 (integer); accepted is a whole number from 5 to 8"#,
        ),
        (
            "three stop bits",
            more("[device.line]\nstop-bits = 3\n"),
            r#"tillbus.toml:9:13: `stop-bits` is 3 (integer); accepted is a whole number from 1 to 2"#,
        ),
        (
            "a parity that is none",
            more("[device.line]\nparity = \"mark\"\n"),
            r#"tillbus.toml:9:10: `parity` is "mark"; accepted: even, none, odd"#,
        ),
        (
            "a flow control that is none",
            more("[device.line]\nflow = \"rtscts\"\n"),
            r#"tillbus.toml:9:8: `flow` is "rtscts"; did you mean `rts-cts`? (accepted: dtr-dsr, none, rts-cts, xon-xoff)"#,
        ),
        (
            "a key near one in a line",
            more("[device.line]\nbuad = 9600\n"),
            r#"tillbus.toml:9:1: unknown key `buad` in line; did you mean `baud`? (accepted: baud, data-bits, flow, parity, stop-bits)"#,
        ),
        (
            "all of a line",
            more("[device.line]\nbaud = 1\ndata-bits = 4\nparity = 1\nx = 1\n"),
            r#"
tillbus.toml:9:8: `baud` is 1 (integer); accepted is a whole number from 50 to 4000000
tillbus.toml:10:13: `data-bits` is 4 (integer); accepted is a whole number from 5 to 8
tillbus.toml:11:10: `parity` is 1 (integer); accepted is a string
tillbus.toml:12:1: unknown key `x` in line; accepted: baud, data-bits, flow, parity, stop-bits
"#,
        ),
        (
            "a line that is none",
            more("line = 9600\n"),
            r#"tillbus.toml:8:8: `line` is 9600 (integer); accepted is a table"#,
        ),
        (
            "a protocol near one",
            more("[device.protocol]\nname = \"line-scaner\"\n"),
            r#"tillbus.toml:9:8: no protocol is called "line-scaner"; did you mean `line-scanner`? (accepted: PROTOCOLS)"#,
        ),
        (
            "an encoding near one",
            more("[device.protocol]\nencoding = \"gb18O30\"\n"),
            r#"tillbus.toml:9:12: no encoding is called "gb18O30"; did you mean `gb18030`? (accepted: big5, euc-jp, euc-kr, gb18030, gbk, iso-8859-15, shift_jis, utf-8, windows-1250, windows-1251, windows-1252), and every other label of the WHATWG Encoding Standard"#,
        ),
        (
            "an encoding that is none",
            more("[device.protocol]\nencoding = [\"replacement\"]\n"),
            r#"tillbus.toml:9:12: no encoding is called "replacement"; accepted: big5, euc-jp, euc-kr, gb18030, gbk, iso-8859-15, shift_jis, utf-8, windows-1250, windows-1251, windows-1252, and every other label of the WHATWG Encoding Standard"#,
        ),
        (
            "an option near one",
            more("[device.protocol]\nsufix = \"CR\"\n"),
            r#"tillbus.toml:9:1: unknown key `sufix` in protocol; did you mean `suffix`? (accepted: aim, commands, encoding, gap-ms, max-length, name, prefix, suffix)"#,
        ),
        (
            "a wrong option",
            more("[device.protocol]\nsuffix = \"0xGG\"\n"),
            r#"tillbus.toml:9:10: `suffix`: "0xGG" is not a byte; accepted are 0x00 to 0xFF, control names such as CR, and plain text"#,
        ),
    ];
    refuse("tillbus.toml", &rows);
}

#[test]
fn what_comes_over_hid_has_no_line() {
    const PORT: &str = "tty = \"/dev/ttyS1\"";
    const HID: &str = "[device.protocol]\nname = \"hid-pos\"\n";
    let rows: Vec<Row> = vec![
        (
            "line settings",
            device(PORT, "pty = \"/run/box\"") + "[device.line]\nbaud = 9600\n" + HID,
            r#"tillbus.toml:8:1: `line` is of no use to protocol `hid-pos`, which comes over USB HID; accepted is to leave it out"#,
        ),
        (
            "a built-in port",
            more(HID),
            r#"tillbus.toml:6:9: `match` names a serial port, but protocol `hid-pos` comes over USB HID; accepted is `usb`, `path` or `pty`"#,
        ),
    ];
    refuse("tillbus.toml", &rows);
}

#[test]
fn rights() {
    let rows: Vec<Row> = vec![
        (
            "a name without a kind",
            "[access]\nscan = [\"tillbus\"]\n".to_owned(),
            r#"tillbus.toml:2:8: `scan` has "tillbus"; accepted is user:NAME or group:NAME"#,
        ),
        (
            "a principal without a name",
            "[access]\nscan = \"group:\"\n".to_owned(),
            r#"tillbus.toml:2:8: `scan` has "group:"; accepted is user:NAME or group:NAME"#,
        ),
        (
            "a name with a blank",
            "[access]\ncard = \"user:a b\"\n".to_owned(),
            r#"tillbus.toml:2:8: `card` has "user:a b"; accepted is user:NAME or group:NAME"#,
        ),
        (
            "not a string",
            "[access]\nadmin = [\"user:a\", 0]\n".to_owned(),
            r#"tillbus.toml:2:20: `admin` is 0 (integer); accepted is a string"#,
        ),
        (
            "a right near one",
            "[access]\npayment-codes = \"user:a\"\n".to_owned(),
            r#"tillbus.toml:2:1: unknown key `payment-codes` in access; did you mean `payment-code`? (accepted: admin, card, close, payment-code, refund, resolve, scan, terminal)"#,
        ),
        (
            "a right of one device",
            more("[device.access]\nscan = \"all\"\n"),
            r#"tillbus.toml:9:8: `scan` has "all"; accepted is user:NAME or group:NAME"#,
        ),
    ];
    refuse("tillbus.toml", &rows);
}

#[test]
fn whole_files() {
    let same_name = more(&but(DEVICE, "/dev/ttyS1", "/dev/ttyS2"));
    let same_port = more(&but(DEVICE, "lane1-box", "lane2-box"));
    let three = format!(
        "{}{}{}[access]\nscan = 1\n",
        but(DEVICE, "payment", "paying"),
        but(&but(DEVICE, "lane1-box", "lane2-box"), "generic-line-scanner", "none-such"),
        but(&but(DEVICE, "lane1-box", "lane3-box"), "ttyS1", "ttyS3").replace("lane =", "line ="),
    );
    let rows: Vec<Row> = vec![
        (
            "no TOML",
            "[[device\n".to_owned(),
            r#"tillbus.toml:1:9: unclosed array table, expected `]]`"#,
        ),
        (
            "a key twice",
            device("lane = \"1\"", "lane = \"1\"\nlane = \"2\""),
            r#"tillbus.toml:5:1: duplicate key"#,
        ),
        (
            "a table that is near one",
            "[[devices]]\nname = \"x\"\n".to_owned(),
            r#"tillbus.toml:1:3: unknown key `devices` in the top level; did you mean `device`? (accepted: access, cards, content, device, route)"#,
        ),
        (
            "a device that is no array",
            "[device]\nname = \"x\"\n".to_owned(),
            r#"tillbus.toml:1:1: `device` is [device] (table); accepted is an array of tables, each under [[device]]"#,
        ),
        (
            "rights that are no table",
            "access = \"all\"\n".to_owned(),
            r#"tillbus.toml:1:10: `access` is "all" (string); accepted is a table"#,
        ),
        (
            "two devices of one name",
            same_name,
            r#"tillbus.toml:10:8: `name` is "lane1-box", which the device at tillbus.toml:3:8 has already; accepted is a name of its own"#,
        ),
        (
            "two devices on one port",
            same_port,
            r#"tillbus.toml:13:9: `match` is that of the device at tillbus.toml:6:9; accepted is a port of its own"#,
        ),
        (
            "three devices and the rights, each told of",
            three,
            r#"
tillbus.toml:5:8: `role` is "paying"; accepted: both, goods, payment
tillbus.toml:14:11: no profile is called "none-such"; accepted: PROFILES
tillbus.toml:18:8: `line` is "1" (string); accepted is a table
tillbus.toml:23:8: `scan` is 1 (integer); accepted is a string
"#,
        ),
    ];
    refuse("tillbus.toml", &rows);
}
