//! USB ids that name a scanner or a card reader, so that one which no configuration names is listed all the
//! same.
//!
//! Source: the public USB id list (linux-usb.org/usb.ids), only where the name there is that of a
//! bar code scanner, as a keyboard or as a HID device; for card readers their makers' manuals too, which
//! `protocol-docs` names. Ids of controllers that other makers' keyboards have too never stand here. `udev/70-tillbus.rules` gives the daemon the same devices; a test compares.

/// Vendor and products.
type Row = (u16, &'static [u16]);

const SCANNERS: &[Row] = &[
    // HP: 4430 and another
    (0x03F0, &[0x0139, 0x1D24]),
    // Tera
    (0x0581, &[0x0107, 0x020C]),
    // Symbol (Zebra): in HID keyboard mode; CS4070
    (0x05E0, &[0x1200, 0x1A00]),
    // PSC (Datalogic): handheld, Gryphon as keyboards; Magellan 1000i and 1100i
    (0x05F9, &[0x2202, 0x2206, 0x220C, 0x2601, 0x2602]),
    // Opticon: OPR-2001, NLV-1001 as keyboards
    (0x065A, &[0x0001]),
    // Intermec (Honeywell): HID keyboard
    (0x067E, &[0x0801]),
    // MagTek in HID mode: swipe reader, insert reader, MagneSafe V5 swipe and insert reader
    (0x0801, &[0x0002, 0x0003, 0x0011, 0x0013]),
    // Datalogic: Gryphon D120 and M100
    (0x080C, &[0x0300, 0x0400, 0x0500, 0x0600]),
    // ID TECH in HID mode: VersaKey and MiniMag in two layouts, SecureMag and SecureHead in two layouts
    (0x0ACD, &[0x0500, 0x0510, 0x2010, 0x2020]),
    // Metrologic (Honeywell): MS7120, MS4980, Stratos, Vuquest 3310g, Voyager 1400g
    (0x0C2E, &[0x0200, 0x0204, 0x0206, 0x0A64, 0x0B61, 0x0B6A, 0x0B81]),
    // Access IS: bar code module as a keyboard and as HID
    (0x0DB5, &[0x013A, 0x013B]),
    // Newland engines as keyboards
    (
        0x1EAB,
        &[
            0x0103, 0x0C03, 0x0D03, 0x1303, 0x1403, 0x1603, 0x1903, 0x1A03, 0x1C03, 0x1D03, 0x1E03,
            0x1F03, 0x2003, 0x8003, 0x8203, 0x8303,
        ],
    ),
    // Newland engines in HID POS mode
    (
        0x1EAB,
        &[
            0x0110, 0x0C10, 0x0D10, 0x1310, 0x1410, 0x1610, 0x1910, 0x1A10, 0x1C10, 0x1D10, 0x1E10,
            0x1F10, 0x2010, 0x8010, 0x8210, 0x8310,
        ],
    ),
    // Meva
    (0x24EA, &[0x0197]),
];

/// Whether an id names a scanner or a card reader.
pub(super) fn is_scanner(vendor: u16, product: u16) -> bool {
    SCANNERS.iter().any(|(id, products)| *id == vendor && products.contains(&product))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The ids to which udev's rules give the daemon's group.
    fn ruled() -> BTreeSet<(u16, u16)> {
        let rules = include_str!("../../udev/70-tillbus.rules");
        let value = |line: &str, key: &str| {
            let (_, rest) = line.split_once(&format!("ATTR{{{key}}}==\""))?;
            Some(rest.split_once('"')?.0.to_owned())
        };
        let number = |text: &str| u16::from_str_radix(text, 16).unwrap();
        rules
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains("GROUP=\"tillbusd\""))
            .flat_map(|line| {
                let vendor = number(&value(line, "idVendor").unwrap());
                let products = value(line, "idProduct").unwrap();
                products.split('|').map(|product| (vendor, number(product))).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn udevs_rules_name_the_same() {
        let listed: BTreeSet<(u16, u16)> = SCANNERS
            .iter()
            .flat_map(|(vendor, products)| products.iter().map(move |product| (*vendor, *product)))
            .collect();
        assert_eq!(listed, ruled());
        assert!(listed.iter().all(|(vendor, product)| is_scanner(*vendor, *product)));
        // A keyboard by Cherry.
        assert!(!is_scanner(0x046A, 0x0011));
    }
}
