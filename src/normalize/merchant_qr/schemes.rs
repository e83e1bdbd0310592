//! Whose merchant account a template of the EMVCo code holds.
//!
//! Contract: pure. Declared tables, each row with its source; a template that no row knows keeps its
//! identifier and numbers. Only what two independent sources have, or a scheme's own paper, is here;
//! `protocol-docs/merchant-qr.md` lists what is not.

/// A payment scheme.
#[derive(Debug, PartialEq, Eq)]
pub struct Scheme {
    /// Its word on the bus.
    pub word: &'static str,
    /// The identifier in field 00 of its template, in any case.
    pub identifier: &'static str,
    /// The names of the template's other fields.
    pub fields: &'static [(u8, &'static str)],
    /// Whether its codes leave out the merchant's category, name and city, which EMVCo demands.
    pub is_bare: bool,
    /// Where this is written.
    pub source: &'static str,
}

/// PIX, Brazil.
pub const PIX: Scheme = Scheme {
    word: "pix",
    identifier: "br.gov.bcb.pix",
    fields: &[(1, "key"), (2, "description"), (25, "url")],
    is_bare: false,
    source: "Banco Central do Brasil, Manual de Padrões para Iniciação do Pix",
};

/// PromptPay, Thailand: a person's or a shop's account.
pub const PROMPTPAY: Scheme = Scheme {
    word: "promptpay",
    identifier: "A000000677010111",
    fields: &[
        (1, "mobile-number"),
        (2, "national-or-tax-id"),
        (3, "e-wallet"),
        (4, "bank-account"),
    ],
    is_bare: true,
    source: "Thai QR payment standard, as promptpay-qr and promptparse have it",
};

/// PromptPay, Thailand: bills.
pub const PROMPTPAY_BILL: Scheme = Scheme {
    word: "promptpay-bill",
    identifier: "A000000677010112",
    fields: &[(1, "biller"), (2, "reference-1"), (3, "reference-2")],
    is_bare: true,
    source: "Thai QR payment standard, as promptparse and promptpay-js have it",
};

/// PayNow, Singapore.
pub const PAYNOW: Scheme = Scheme {
    word: "paynow",
    identifier: "SG.PAYNOW",
    fields: &[(1, "proxy-type"), (2, "proxy"), (3, "editable"), (4, "expires")],
    is_bare: false,
    source: "SGQR specification, as paynowqr and sgqr have it",
};

/// VietQR, Vietnam.
pub const VIETQR: Scheme = Scheme {
    word: "vietqr",
    identifier: "A000000727",
    fields: &[(1, "beneficiary"), (2, "service")],
    is_bare: true,
    source: "NAPAS VietQR, as vietnam-qr-pay and napas-qr have it",
};

/// All of them, in the order in which they are looked up.
pub const SCHEMES: &[Scheme] = &[
    PIX,
    PROMPTPAY,
    PROMPTPAY_BILL,
    PAYNOW,
    VIETQR,
    Scheme {
        word: "nets",
        identifier: "SG.COM.NETS",
        fields: &[],
        is_bare: false,
        source: "codes in SGQR labels in two public projects",
    },
    Scheme {
        word: "sgqr",
        identifier: "SG.SGQR",
        fields: &[],
        is_bare: false,
        source: "codes in SGQR labels in two public projects",
    },
    Scheme {
        word: "qris",
        identifier: "ID.CO.QRIS.WWW",
        fields: &[(1, "merchant-pan"), (2, "merchant-id"), (3, "criteria")],
        is_bare: false,
        source: "QRIS codes of several acquirers; pub.dev qris",
    },
    Scheme {
        word: "duitnow",
        identifier: "A0000006150001",
        fields: &[(1, "acquirer"), (2, "merchant-id")],
        is_bare: false,
        source: "DuitNow codes in several public projects",
    },
    Scheme {
        word: "fps",
        identifier: "hk.com.hkicl",
        fields: &[
            (1, "clearing-code"),
            (2, "fps-id"),
            (3, "mobile-number"),
            (4, "email"),
            (5, "expires"),
        ],
        is_bare: false,
        source: "HKICL, Payee-presented QR Code Specification for FPS 1.2",
    },
    Scheme {
        word: "qr-ph",
        identifier: "ph.ppmi.p2m",
        fields: &[(1, "acquirer"), (3, "merchant-id")],
        is_bare: false,
        source: "QR Ph codes of several acquirers in public projects",
    },
    Scheme {
        word: "bharat-qr",
        identifier: "A000000524",
        fields: &[],
        is_bare: false,
        source: "BharatQR codes of two acquirers in public projects",
    },
];

/// The ranges of fields that belong to a card network; EMV QRCPS 1.1, table 4.1.
const NETWORKS: &[(u8, u8, &str)] = &[
    (2, 3, "visa"),
    (4, 5, "mastercard"),
    (9, 10, "discover"),
    (11, 12, "amex"),
    (13, 14, "jcb"),
    (15, 16, "unionpay"),
];

/// The scheme of this identifier.
#[must_use]
pub fn by_identifier(identifier: &str) -> Option<&'static Scheme> {
    SCHEMES.iter().find(|scheme| scheme.identifier.eq_ignore_ascii_case(identifier))
}

/// The card network whose field this is.
#[must_use]
pub fn network(id: u8) -> Option<&'static str> {
    let found = NETWORKS.iter().find(|(first, last, _)| (*first..=*last).contains(&id));
    found.map(|(_, _, word)| *word)
}

/// KHQR of Cambodia has an account at a bank where others have an identifier (KHQR guideline of ABA,
/// NBC's SDKs).
#[must_use]
pub fn is_khqr(id: u8, identifier: &str, country: Option<&str>) -> bool {
    matches!(id, 29 | 30) && country == Some("KH") && identifier.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_known_in_any_case_and_differ() {
        assert_eq!(by_identifier("BR.GOV.BCB.PIX").map(|scheme| scheme.word), Some("pix"));
        assert_eq!(by_identifier("a000000677010111").map(|scheme| scheme.word), Some("promptpay"));
        assert_eq!(by_identifier("A00000067701011"), None);
        for scheme in SCHEMES {
            assert_eq!(by_identifier(scheme.identifier), Some(scheme));
            assert!(!scheme.source.is_empty(), "{}", scheme.word);
        }
    }

    #[test]
    fn networks_and_cambodia() {
        assert_eq!(
            (network(4), network(16), network(17)),
            (Some("mastercard"), Some("unionpay"), None)
        );
        assert!(is_khqr(29, "shop@aclb", Some("KH")));
        assert!(!is_khqr(29, "shop@aclb", Some("TH")) && !is_khqr(26, "shop@aclb", Some("KH")));
    }
}
