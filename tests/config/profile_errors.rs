//! Everything that can be wrong in a profile, and what is said about it.

use super::shop::{PROFILE, Row, but, refuse};

fn profile(from: &str, to: &str) -> String {
    but(PROFILE, from, to)
}

const HERE: &str = "etc/example-box.toml";

#[test]
fn heads() {
    let rows: Vec<Row> = vec![
        (
            "no head",
            profile("[profile]", "[profil]"),
            r#"
etc/example-box.toml:1:1: `profile` is missing; accepted is a table of that name
etc/example-box.toml:2:2: unknown key `profil` in the top level; did you mean `profile`? (accepted: beside, connector, line, profile, protocol)
"#,
        ),
        (
            "another id than the file's",
            profile("example-box", "example"),
            r#"etc/example-box.toml:3:6: `id` is "example"; accepted is the file's stem, "example-box""#,
        ),
        (
            "an id in capitals",
            profile("example-box", "Example-Box"),
            r#"etc/example-box.toml:3:6: `id` is "Example-Box"; accepted are lower-case letters, digits, `-` and `.`"#,
        ),
        (
            "no vendor",
            profile("vendor = \"Example\"\n", ""),
            r#"etc/example-box.toml:2:1: `vendor` is missing in profile; accepted is a string"#,
        ),
        (
            "an empty model",
            profile("\"B-1\"", "\"\""),
            r#"etc/example-box.toml:5:9: `model` is ""; accepted is text on one line, not empty"#,
        ),
        (
            "a kind near one",
            profile("\"scanner\"", "\"scaner\""),
            r#"etc/example-box.toml:6:8: `kind` is "scaner"; did you mean `scanner`? (accepted: card-reader, host, scanner, socket, terminal)"#,
        ),
        (
            "no status",
            profile("status = \"documented\"\n", ""),
            r#"etc/example-box.toml:2:1: `status` is missing; accepted: documented, reported, untested"#,
        ),
        (
            "a status that is none",
            profile("\"documented\"", "\"fine\""),
            r#"etc/example-box.toml:7:10: `status` is "fine"; accepted: documented, reported, untested"#,
        ),
        (
            "no sources",
            profile("sources = [\"Example B-1 manual, revision 2, page 7\"]\n", ""),
            r#"etc/example-box.toml:2:1: `sources` names nothing; accepted is at least one document, its revision and page, or status = "untested""#,
        ),
        (
            "sources that are empty",
            profile("[\"Example B-1 manual, revision 2, page 7\"]", "[]"),
            r#"etc/example-box.toml:8:11: `sources` names nothing; accepted is at least one document, its revision and page, or status = "untested""#,
        ),
        (
            "a blank source",
            profile("revision 2, page 7\"", "page 7\", \" \""),
            r#"etc/example-box.toml:8:11: source 2 of `sources` is empty; accepted is a document"#,
        ),
        (
            "a key near one",
            profile("vendor =", "vender ="),
            r#"
etc/example-box.toml:2:1: `vendor` is missing in profile; accepted is a string
etc/example-box.toml:4:1: unknown key `vender` in profile; did you mean `vendor`? (accepted: id, kind, model, sources, status, vendor)
"#,
        ),
        (
            "a host that speaks",
            profile("\"scanner\"", "\"host\""),
            r#"etc/example-box.toml:29:1: a profile of kind "host" has no `protocol`; accepted is to leave it out, or the kind of a device: scanner, card-reader, terminal"#,
        ),
        (
            "a socket without a connector",
            "[profile]\nid = \"example-box\"\nvendor = \"V\"\nmodel = \"M\"\nkind = \"socket\"\nstatus = \"untested\"\n".to_owned(),
            r#"etc/example-box.toml:1:1: a profile of kind "socket" has no protocol, and this one no `connector` either; accepted is a table of that name"#,
        ),
        (
            "a machine's other socket without a label",
            profile("[connector]", "[[beside]]\ntype = \"RJ11-6P4C\"\ncarries = \"+48V\"\n[connector]"),
            r#"etc/example-box.toml:10:1: `label` is missing in beside; accepted is a string"#,
        ),
        (
            "a terminal with a scanner's protocol",
            profile("\"scanner\"", "\"terminal\""),
            r#"etc/example-box.toml:30:8: protocol `line-scanner` is a scanner's, but the profile's `kind` is "terminal"; accepted is a protocol of that kind"#,
        ),
    ];
    refuse(HERE, &rows);
}

#[test]
fn connectors() {
    let with_gender = profile("counting = \"1-4\"", "counting = \"1-4\"\ngender = \"male\"");
    let de9 = PROFILE.replace("RJ11-6P4C", "DE9").replace("1-4", "1-9");
    let de9_hermaphrodite = but(&de9, "level =", "gender = \"both\"\nlevel =");
    let rows: Vec<Row> = vec![
        (
            "no type",
            profile("type = \"RJ11-6P4C\"\n", ""),
            r#"etc/example-box.toml:10:1: `type` is missing; accepted: RJ9-4P4C, RJ11-6P4C, RJ12-6P6C, RJ45-8P8C, RJ50-10P10C, DE9, DA15, DB25, mini-DIN-3, mini-DIN-4, mini-DIN-5, mini-DIN-6, mini-DIN-7, mini-DIN-8, mini-DIN-9, USB-A, USB-B, USB-mini-B, USB-micro-B, USB-C, bare-wires"#,
        ),
        (
            "a type near one",
            profile("RJ11-6P4C", "RJ11-4P4C"),
            r#"etc/example-box.toml:11:8: `type` is "RJ11-4P4C"; did you mean `RJ11-6P4C`? (accepted: DA15, DB25, DE9, RJ11-6P4C, RJ12-6P6C, RJ45-8P8C, RJ50-10P10C, RJ9-4P4C, USB-A, USB-B, USB-C, USB-micro-B, USB-mini-B, bare-wires, mini-DIN-3, mini-DIN-4, mini-DIN-5, mini-DIN-6, mini-DIN-7, mini-DIN-8, mini-DIN-9)"#,
        ),
        (
            "a gender on a modular socket",
            with_gender,
            r#"etc/example-box.toml:14:10: RJ11-6P4C has no gender; accepted is to leave it out"#,
        ),
        (
            "no gender on a D-sub",
            de9,
            r#"etc/example-box.toml:10:1: `gender` is missing for DE9; accepted: male, female (where the source does not say, the profile is status = "untested")"#,
        ),
        (
            "a gender that is none",
            de9_hermaphrodite,
            r#"etc/example-box.toml:15:10: `gender` is "both"; accepted: female, male"#,
        ),
        (
            "no view",
            profile("view = \"socket front, clip down\"\n", ""),
            r#"etc/example-box.toml:10:1: `view` is missing; accepted is from where the source counts, such as "socket front, clip down" (where the source does not say, the profile is status = "untested")"#,
        ),
        (
            "an empty view",
            profile("socket front, clip down", ""),
            r#"etc/example-box.toml:12:8: `view` is ""; accepted is text on one line, not empty"#,
        ),
        (
            "a view that nobody can stand at",
            profile("socket front, clip down", "from the left"),
            r#"etc/example-box.toml:12:8: `view` is "from the left"; accepted: "standard", "socket front, clip down", "socket front, clip up", "plug front, clip down", "plug front, clip up", "plug from the cable, clip down", "plug from the cable, clip up", "plug contacts, cable down", "plug contacts, cable up", each with ", 1 left" or ", 1 right" after it where the source counts from there"#,
        ),
        (
            "no counting",
            profile("counting = \"1-4\"\n", ""),
            r#"etc/example-box.toml:10:1: `counting` is missing; accepted for RJ11-6P4C: 1-4, 2-5, 1-6 (where the source does not say, the profile is status = "untested")"#,
        ),
        (
            "a counting that is none of the type",
            profile("1-4", "0-3"),
            r#"etc/example-box.toml:13:12: `counting` is "0-3"; accepted for RJ11-6P4C: 1-4, 2-5, 1-6"#,
        ),
        (
            "a role that is none",
            profile("DCE", "DTC"),
            r#"etc/example-box.toml:14:8: `role` is "DTC"; did you mean `DTE`? (accepted: DCE, DTE)"#,
        ),
        (
            "no role",
            profile("role = \"DCE\"\n", ""),
            r#"etc/example-box.toml:10:1: `role` is missing; accepted: DTE, DCE"#,
        ),
        (
            "a level near one",
            profile("\"rs232\"", "\"rs-232\""),
            r#"etc/example-box.toml:15:9: `level` is "rs-232"; did you mean `rs232`? (accepted: none, rs232, ttl-3v3, ttl-5v, ttl-inverted)"#,
        ),
        (
            "no level",
            profile("level = \"rs232\"\n", ""),
            r#"etc/example-box.toml:10:1: `level` is missing; accepted: rs232, ttl-5v, ttl-3v3, ttl-inverted, none"#,
        ),
        (
            "a key near one in a connector",
            profile("view =", "wiew ="),
            r#"
etc/example-box.toml:10:1: `view` is missing; accepted is from where the source counts, such as "socket front, clip down" (where the source does not say, the profile is status = "untested")
etc/example-box.toml:12:1: unknown key `wiew` in connector; did you mean `view`? (accepted: counting, gender, level, pins, role, type, view)
"#,
        ),
        (
            "a connector that is none",
            format!(
                "connector = 1\n{}",
                profile("[connector]", "[x]").replace("[connector.pins]", "[x.pins]")
            ),
            r#"
etc/example-box.toml:1:13: `connector` is 1 (integer); accepted is a table
etc/example-box.toml:11:2: unknown key `x` in the top level; accepted: beside, connector, line, profile, protocol
"#,
        ),
    ];
    refuse(HERE, &rows);
}

#[test]
fn contacts() {
    let row = |to: &str| profile("4 = \"RXD\"", to);
    let rows: Vec<Row> = vec![
        (
            "no contacts",
            profile("[connector.pins]", "[connector.pin]"),
            r#"
etc/example-box.toml:10:1: `pins` is missing; accepted is a table of that name
etc/example-box.toml:16:12: unknown key `pin` in connector; did you mean `pins`? (accepted: counting, gender, level, pins, role, type, view)
"#,
        ),
        (
            "an empty table",
            profile(
                "1 = \"TXD\"\n2 = \"GND\"\n3 = { supply = \"+5V\", max-ma = 500 }\n4 = \"RXD\"\n",
                "",
            ),
            r#"etc/example-box.toml:16:1: no contact in pins; accepted is at least one"#,
        ),
        (
            "a contact past the last",
            row("5 = \"RXD\""),
            r#"etc/example-box.toml:20:1: no contact `5` of RJ11-6P4C; accepted are 1 to 4"#,
        ),
        (
            "contact 1 of a socket counted 2-5",
            profile("\"1-4\"", "\"2-5\""),
            r#"etc/example-box.toml:17:1: no contact `1` of RJ11-6P4C; accepted are 2 to 5"#,
        ),
        (
            "contact 1 of RJ11 counted by positions",
            profile("\"1-4\"", "\"1-6\""),
            r#"etc/example-box.toml:17:1: no contact `1` of RJ11-6P4C; accepted are 2 to 5"#,
        ),
        (
            "a contact that is a word",
            row("four = \"RXD\""),
            r#"etc/example-box.toml:20:1: no contact `four` of RJ11-6P4C; accepted are 1 to 4"#,
        ),
        (
            "a contact twice in one spelling",
            row("4 = \"RXD\"\n4 = \"RTS\""),
            r#"etc/example-box.toml:21:1: duplicate key"#,
        ),
        (
            "a contact twice in two spellings",
            row("4 = \"RXD\"\n04 = \"RTS\""),
            r#"etc/example-box.toml:21:1: contact 4 is there twice; accepted is each contact once"#,
        ),
        (
            "a signal near one",
            row("4 = \"RDX\""),
            r#"etc/example-box.toml:20:5: no signal is called "RDX" (contact 4); did you mean `RXD`? (accepted: CTS, D+, D-, DCD, DSR, DTR, GND, NC, RI, RTS, RXD, SHIELD, TXD)"#,
        ),
        (
            "a signal that is a number",
            row("4 = 1"),
            r#"etc/example-box.toml:20:5: `4` is of type integer; accepted is a string or a table"#,
        ),
        (
            "power that goes nowhere",
            row("4 = { max-ma = 5 }"),
            r#"etc/example-box.toml:20:5: contact 4 has neither `supply` nor `draw`; accepted is { supply = "+5V", max-ma = 500 }, { draw = "+5V", ma = 300 }, { other = "drawer drive" } or a signal's name"#,
        ),
        (
            "power both ways",
            row("4 = { supply = \"+5V\", draw = \"+5V\" }"),
            r#"etc/example-box.toml:20:5: contact 4 has both `supply` and `draw`; accepted is { supply = "+5V", max-ma = 500 }, { draw = "+5V", ma = 300 }, { other = "drawer drive" } or a signal's name"#,
        ),
        (
            "a voltage without a sign",
            row("4 = { draw = \"5V\" }"),
            r#"etc/example-box.toml:20:14: `draw` is "5V"; accepted is a voltage such as +5V, +3V3, -12V, or DTR or RTS where the device lives on that line"#,
        ),
        (
            "no voltage at all",
            row("4 = { draw = \"+0V\" }"),
            r#"etc/example-box.toml:20:14: `draw` is "+0V"; accepted is a voltage such as +5V, +3V3, -12V, or DTR or RTS where the device lives on that line"#,
        ),
        (
            "the supply's current on a draw",
            row("4 = { draw = \"+5V\", max-ma = 300 }"),
            r#"etc/example-box.toml:20:21: unknown key `max-ma` in 4; accepted: draw, ma, wire"#,
        ),
        (
            "a current in ampere",
            row("4 = { draw = \"+5V\", ma = 0.3 }"),
            r#"etc/example-box.toml:20:26: `ma` is 0.3 (float); accepted is a whole number from 1 to 20000"#,
        ),
        (
            "a colour near one",
            row("4 = { signal = \"RXD\", wire = \"gren\" }"),
            r#"etc/example-box.toml:20:30: `wire` is "gren"; did you mean `green`? (accepted: black, blue, brown, green, grey, orange, pink, red, turquoise, violet, white, yellow), and two of them as "white/orange""#,
        ),
        (
            "a line to live on that nobody drives",
            row("4 = { draw = \"CTS\" }"),
            r#"etc/example-box.toml:20:14: `draw` is "CTS"; accepted is a voltage such as +5V, +3V3, -12V, or DTR or RTS where the device lives on that line"#,
        ),
        (
            "a serial line where the profile says that there is none",
            profile("\"rs232\"", "\"none\""),
            r#"
etc/example-box.toml:17:5: contact 1 is TXD, but `level` is "none"; accepted is the level of that line
etc/example-box.toml:20:5: contact 4 is RXD, but `level` is "none"; accepted is the level of that line
"#,
        ),
        (
            "two contacts, each told of",
            row("4 = \"RDX\"\n7 = \"GND\""),
            r#"
etc/example-box.toml:20:5: no signal is called "RDX" (contact 4); did you mean `RXD`? (accepted: CTS, D+, D-, DCD, DSR, DTR, GND, NC, RI, RTS, RXD, SHIELD, TXD)
etc/example-box.toml:21:1: no contact `7` of RJ11-6P4C; accepted are 1 to 4
"#,
        ),
    ];
    refuse(HERE, &rows);
}

#[test]
fn everything_at_once_is_told_of_at_once() {
    let text = PROFILE
        .replace("\"scanner\"", "\"scan\"")
        .replace("DCE", "DCF")
        .replace("115200", "115200000")
        .replace("7\n", "9\n")
        .replace("gb18030", "gb");
    refuse(
        HERE,
        &[(
            "one error of each table",
            text,
            r#"
etc/example-box.toml:6:8: `kind` is "scan"; accepted: card-reader, host, scanner, socket, terminal
etc/example-box.toml:14:8: `role` is "DCF"; did you mean `DCE`? (accepted: DCE, DTE)
etc/example-box.toml:23:15: `baud` is 115200000 (integer); accepted is a whole number from 50 to 4000000
etc/example-box.toml:24:13: `data-bits` is 9 (integer); accepted is a whole number from 5 to 8
etc/example-box.toml:32:12: no encoding is called "gb"; did you mean `gbk`? (accepted: big5, euc-jp, euc-kr, gb18030, gbk, iso-8859-15, shift_jis, utf-8, windows-1250, windows-1251, windows-1252), and every other label of the WHATWG Encoding Standard
"#,
        )],
    );
}
