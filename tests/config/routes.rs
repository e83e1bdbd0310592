//! `[[route]]`: between which devices one can lead, and what is said where it cannot.

use std::time::Duration;

use tillbus::config::{Forward, RouteMode, Tap};
use tillbus::event::Content;
use tillbus::protocol::scanner_port::Envelope;

use super::shop::Shop;

/// Devices of two lanes between which routes lead.
const DEVICES: &str = r#"
[[device]]
name = "box"
lane = "1"
role = "payment"
match = { tty = "/dev/ttyS1" }
profile = "generic-line-scanner"
[[device]]
name = "port"
lane = "1"
match = { tty = "/dev/ttyS2" }
profile = "generic-scanner-port"
[[device]]
name = "zvt"
lane = "1"
match = { tty = "/dev/ttyS3" }
profile = "zvt"
[[device]]
name = "till"
lane = "1"
match = { tty = "/dev/ttyS4" }
profile = "zvt"
[[device]]
name = "port2"
lane = "2"
match = { tty = "/dev/ttyS5" }
profile = "generic-scanner-port"
[[device]]
name = "gun"
lane = "1"
role = "goods"
match = { usb = "0c2e:0b6a" }
profile = "generic-hid-pos"
[[device]]
name = "auto"
lane = "1"
role = "goods"
match = { tty = "/dev/ttyS6" }
profile = "generic-line-scanner-auto"
[[device]]
name = "seven"
lane = "1"
match = { tty = "/dev/ttyS7" }
profile = "generic-scanner-port"
line = { data-bits = 7, parity = "even" }
"#;

fn with(routes: &str) -> Shop {
    Shop::with(&format!("{DEVICES}{routes}"))
}

#[test]
fn routes_are_read_with_what_they_do_not_say() {
    let forward = |contents: &[Content], envelope, prefix: &[u8], terminal: Option<&str>| {
        RouteMode::Forward(Forward {
            contents: contents.to_vec(),
            envelope,
            prefix: prefix.to_vec(),
            terminal: terminal.map(str::to_owned),
        })
    };
    let rows = [
        (
            "from = \"box\"\nto = \"port\"\nsend = \"line-crlf\"",
            forward(&[Content::PaymentCode], Envelope::LineCrLf, b"", None),
        ),
        (
            "from = \"box\"\nto = \"port\"\nsend = \"stx-etx\"\nwhen = \"any\"\nprefix = \"] Q 1\"\n\
             terminal = \"zvt\"\nmode = \"forward\"",
            forward(&[], Envelope::StxEtx, b"]Q1", Some("zvt")),
        ),
        (
            "from = \"gun\"\nto = \"port\"\nsend = \"raw\"\nwhen = [\"gtin\", \"gs1\"]",
            forward(&[Content::Gtin, Content::Gs1], Envelope::Raw, b"", None),
        ),
        ("from = \"box\"\nto = \"port\"\nmode = \"tap\"", RouteMode::Tap(Tap { reply: None })),
        (
            "from = \"till\"\nto = \"zvt\"\nmode = \"tap\"\nreply-ms = 1500",
            RouteMode::Tap(Tap { reply: Some(Duration::from_millis(1500)) }),
        ),
    ];
    for (text, want) in rows {
        let config = with(&format!("[[route]]\n{text}\n")).load().unwrap();
        assert_eq!(config.routes.len(), 1, "{text}");
        assert_eq!(config.routes[0].mode, want, "{text}");
        let wired: Vec<_> = config.devices.iter().filter_map(|d| d.wired.clone()).collect();
        let ends = usize::from(matches!(want, RouteMode::Tap(_))) * 2;
        assert_eq!(wired.len(), ends, "{text}");
        assert!(wired.iter().filter(|end| end.is_source).count() * 2 == ends, "{text}");
    }
}

#[test]
fn a_route_that_cannot_be_is_refused_with_the_reason() {
    let route = |rest: &str| format!("[[route]]\n{rest}\n");
    let rows: Vec<(String, &str)> = vec![
        (route("from = \"box\"\nto = \"port\""), "`send` is missing: how the terminal takes codes"),
        (
            route("from = \"bax\"\nto = \"port\"\nsend = \"raw\""),
            "no device is called \"bax\"; did you mean `box`?",
        ),
        (route("from = \"box\"\nto = \"box\"\nsend = \"raw\""), "accepted is another device"),
        (
            route("from = \"box\"\nto = \"port2\"\nsend = \"raw\""),
            "a customer would pay at another till",
        ),
        (
            route("from = \"box\"\nto = \"zvt\"\nsend = \"raw\""),
            "`to` speaks zvt; codes are passed on to a device with protocol scanner-port",
        ),
        (
            route("from = \"zvt\"\nto = \"port\"\nsend = \"raw\""),
            "`from` is a terminal; codes come from a scanner",
        ),
        (
            route("from = \"box\"\nto = \"port\"\nsend = \"raw\"\nwhen = [\"any\", \"gtin\"]"),
            "`when` has \"any\" beside others",
        ),
        (route("from = \"box\"\nto = \"port\"\nsend = \"line\""), "`send` is \"line\""),
        (
            route("from = \"box\"\nto = \"port\"\nsend = \"raw\"\nterminal = \"gun\""),
            "`terminal` is a scanner",
        ),
        (
            route("from = \"box\"\nto = \"port\"\nsend = \"raw\"\nreply-ms = 10"),
            "unknown key `reply-ms`",
        ),
        (
            route("from = \"box\"\nto = \"port\"\nmode = \"tap\"\nsend = \"raw\""),
            "unknown key `send`",
        ),
        (route("from = \"gun\"\nto = \"port\"\nmode = \"tap\""), "`from` is no serial line"),
        (route("from = \"auto\"\nto = \"port\"\nmode = \"tap\""), "`from` has several speeds"),
        (route("from = \"box\"\nto = \"seven\"\nmode = \"tap\""), "`to` has 7 data bits"),
        (
            route("from = \"port\"\nto = \"zvt\"\nmode = \"tap\""),
            "a tap is between a scanner and a terminal",
        ),
        (
            route("from = \"box\"\nto = \"port\"\nsend = \"raw\"")
                + &route("from = \"box\"\nto = \"port\"\nmode = \"tap\""),
            "this way is that of an earlier route",
        ),
        (
            route("from = \"box\"\nto = \"port\"\nsend = \"raw\"")
                + &route("from = \"box\"\nto = \"seven\"\nsend = \"raw\"\nwhen = \"any\""),
            "payment codes of \"box\" go to \"port\" already",
        ),
        (
            route("from = \"box\"\nto = \"port\"\nmode = \"tap\"")
                + &route("from = \"gun\"\nto = \"port\"\nsend = \"raw\""),
            "`to`: \"port\" is on another route",
        ),
    ];
    for (text, words) in rows {
        let error = with(&text).load().unwrap_err();
        assert!(error.contains(words), "{text}\n{error}");
        let line: usize = error.split(':').nth(1).unwrap().parse().unwrap();
        assert!(line >= DEVICES.lines().count(), "{text}\n{error}");
    }
}

#[test]
fn what_is_wrong_with_a_device_is_told_once() {
    let broken = DEVICES.replacen("profile = \"generic-line-scanner\"", "profile = 1", 1);
    let route = "[[route]]\nfrom = \"box\"\nto = \"port\"\nsend = \"raw\"\n";
    let error = Shop::with(&format!("{broken}{route}")).load().unwrap_err();
    assert_eq!(error.lines().count(), 1, "{error}");
}
