//! The table of Application Identifiers.
//!
//! Facts of the GS1 General Specifications as the GS1 Barcode Syntax Dictionary of May 2026 lists
//! them (541 identifiers): formats, separators, associations, and their places in a Digital Link.
//! Names of details and units are ours. `tests/peers.rs` compares the table with what two
//! independent implementations know.

use super::ai::Check::{
    Country, CountryAlpha, CountryOr999, Coupon, Currency, Date, Date0, Digit, Hour, HourMinute,
    Hyphen, Iban, Importer, Latitude, LongDate, Longitude, Medium, Minute, NoZeroFirst, NonDigit,
    NonZero, Offer, Package, Pair, Percent, Piece, Prefix1, Prefix2, Second, Sequence, Sex,
    Winding, YesNo, Zero,
};
use super::ai::Says::{Amount, Count, Gtin, Measure, Money, Number, Text, Time};
use super::ai::{Check, Entry, Part, Says, Set, predefined};

/// All rows, in the order of their identifiers.
#[must_use]
pub fn rows() -> &'static [Entry] {
    &ROWS
}

/// Where the rows of two first digits begin and end.
#[expect(clippy::indexing_slicing, reason = "the compiler computes it and stops where it is wrong")]
pub(super) static INDEX: [(usize, usize); 100] = {
    let mut index = [(0, 0); 100];
    let mut row = 0;
    while row < ROWS.len() {
        let code = ROWS[row].code.as_bytes();
        let pair = (code[0] - b'0') as usize * 10 + (code[1] - b'0') as usize;
        if index[pair].1 == 0 {
            index[pair].0 = row;
        }
        row += 1;
        index[pair].1 = row;
    }
    index
};

/// The identifiers in the order of their digits.
#[rustfmt::skip]
pub(super) static ROWS: [Entry; 214] = [
    row("00", "SSCC", &[n(18).checked(&[Digit, Prefix2])]).key(&[]).says(Text("sscc")),
    row("01", "GTIN", &[n(14).checked(&[Digit, Prefix2])]).key(&[&["22", "10", "21"], &["235"]]).excludes("255,37").says(Gtin),
    row("02", "CONTENT", &[n(14).checked(&[Digit, Prefix2])]).needs(&["37"]).excludes("01,03").says(Text("content-gtin-14")),
    row("03", "MTO GTIN", &[n(14).checked(&[Digit, Prefix2])]).path_only().excludes("01,02,37").says(Gtin),
    row("10", "BATCH/LOT", &[x_to(20)]).needs(&["01,02,03,8006,8026"]).says(Text("batch")),
    row("11", "PROD DATE", &[n(6).checked(&[Date0])]).needs(&["01,02,03,8006,8026"]).says(Says::Date("production")),
    row("12", "DUE DATE", &[n(6).checked(&[Date0])]).needs(&["8020"]).says(Says::Date("due")),
    row("13", "PACK DATE", &[n(6).checked(&[Date0])]).needs(&["01,02,03,8006,8026"]).says(Says::Date("packed")),
    row("15", "BEST BEFORE or BEST BY", &[n(6).checked(&[Date0])]).needs(&["01,02,03,8006,8026"]).says(Says::Date("best-before")),
    row("16", "SELL BY", &[n(6).checked(&[Date0])]).needs(&["01,02,03,8006,8026"]).says(Says::Date("sell-by")),
    row("17", "USE BY or EXPIRY", &[n(6).checked(&[Date0])]).needs(&["01,02,03,255,8006,8026"]).says(Says::Date("expiry")),
    row("20", "VARIANT", &[n(2)]).needs(&["01,02,8006,8026"]).says(Text("variant")),
    row("21", "SERIAL", &[x_to(20)]).path_only().needs(&["01,03,8006"]).excludes("235").says(Text("serial")),
    row("22", "CPV", &[x_to(20)]).path_only().needs(&["01"]).says(Text("consumer-variant")),
    row("235", "TPX", &[x_to(28)]).path_only().needs(&["01"]),
    row("240", "ADDITIONAL ID", &[x_to(30)]).needs(&["01,02,8006,8026"]).says(Text("additional-id")),
    row("241", "CUST. PART No.", &[x_to(30)]).needs(&["01,02,8006,8026"]),
    row("242", "MTO VARIANT", &[n_to(6)]).needs(&["01,02,8006,8026"]),
    row("243", "PCN", &[x_to(20)]).needs(&["01"]),
    row("250", "SECONDARY SERIAL", &[x_to(30)]).needs(&["01,8006", "21"]),
    row("251", "REF. TO SOURCE", &[x_to(30)]).needs(&["01,8006"]),
    row("253", "GDTI", &[n(13).checked(&[Digit, Prefix1]), x_to(17).optional()]).key(&[]),
    row("254", "GLN EXTENSION COMPONENT", &[x_to(20)]).path_only().needs(&["414"]),
    row("255", "GCN", &[n(13).checked(&[Digit, Prefix1]), n_to(12).optional()]).key(&[]).excludes("01,02,415,8006,8020,8026").says(Says::Coupon),
    row("30", "VAR. COUNT", &[n_to(8)]).needs(&["01,02"]).says(Count("count")),
    measure("310", "NET WEIGHT (kg)", &["01,02"], "net-weight", "kg"),
    measure("311", "LENGTH (m)", &["01,02"], "length", "m"),
    measure("312", "WIDTH (m)", &["01,02"], "width", "m"),
    measure("313", "HEIGHT (m)", &["01,02"], "height", "m"),
    measure("314", "AREA (m²)", &["01,02"], "area", "m2"),
    measure("315", "NET VOLUME (l)", &["01,02"], "net-volume", "l"),
    measure("316", "NET VOLUME (m³)", &["01,02"], "net-volume", "m3"),
    measure("320", "NET WEIGHT (lb)", &["01,02"], "net-weight", "lb"),
    measure("321", "LENGTH (in)", &["01,02"], "length", "in"),
    measure("322", "LENGTH (ft)", &["01,02"], "length", "ft"),
    measure("323", "LENGTH (yd)", &["01,02"], "length", "yd"),
    measure("324", "WIDTH (in)", &["01,02"], "width", "in"),
    measure("325", "WIDTH (ft)", &["01,02"], "width", "ft"),
    measure("326", "WIDTH (yd)", &["01,02"], "width", "yd"),
    measure("327", "HEIGHT (in)", &["01,02"], "height", "in"),
    measure("328", "HEIGHT (ft)", &["01,02"], "height", "ft"),
    measure("329", "HEIGHT (yd)", &["01,02"], "height", "yd"),
    measure("330", "GROSS WEIGHT (kg)", &["00,01"], "gross-weight", "kg"),
    measure("331", "LENGTH (m), log", &["00,01"], "gross-length", "m"),
    measure("332", "WIDTH (m), log", &["00,01"], "gross-width", "m"),
    measure("333", "HEIGHT (m), log", &["00,01"], "gross-height", "m"),
    measure("334", "AREA (m²), log", &["00,01"], "gross-area", "m2"),
    measure("335", "VOLUME (l), log", &["00,01"], "gross-volume", "l"),
    measure("336", "VOLUME (m³), log", &["00,01"], "gross-volume", "m3"),
    measure("337", "KG PER m²", &["01"], "weight-per-area", "kg/m2"),
    measure("340", "GROSS WEIGHT (lb)", &["00,01"], "gross-weight", "lb"),
    measure("341", "LENGTH (in), log", &["00,01"], "gross-length", "in"),
    measure("342", "LENGTH (ft), log", &["00,01"], "gross-length", "ft"),
    measure("343", "LENGTH (yd), log", &["00,01"], "gross-length", "yd"),
    measure("344", "WIDTH (in), log", &["00,01"], "gross-width", "in"),
    measure("345", "WIDTH (ft), log", &["00,01"], "gross-width", "ft"),
    measure("346", "WIDTH (yd), log", &["00,01"], "gross-width", "yd"),
    measure("347", "HEIGHT (in), log", &["00,01"], "gross-height", "in"),
    measure("348", "HEIGHT (ft), log", &["00,01"], "gross-height", "ft"),
    measure("349", "HEIGHT (yd), log", &["00,01"], "gross-height", "yd"),
    measure("350", "AREA (in²)", &["01,02"], "area", "in2"),
    measure("351", "AREA (ft²)", &["01,02"], "area", "ft2"),
    measure("352", "AREA (yd²)", &["01,02"], "area", "yd2"),
    measure("353", "AREA (in²), log", &["00,01"], "gross-area", "in2"),
    measure("354", "AREA (ft²), log", &["00,01"], "gross-area", "ft2"),
    measure("355", "AREA (yd²), log", &["00,01"], "gross-area", "yd2"),
    measure("356", "NET WEIGHT (troy oz)", &["01,02"], "net-weight", "ozt"),
    measure("357", "NET VOLUME (oz)", &["01,02"], "net-volume", "oz"),
    measure("360", "NET VOLUME (qt)", &["01,02"], "net-volume", "qt"),
    measure("361", "NET VOLUME (gal.)", &["01,02"], "net-volume", "gal"),
    measure("362", "VOLUME (qt), log", &["00,01"], "gross-volume", "qt"),
    measure("363", "VOLUME (gal.), log", &["00,01"], "gross-volume", "gal"),
    measure("364", "NET VOLUME (in³)", &["01,02"], "net-volume", "in3"),
    measure("365", "NET VOLUME (ft³)", &["01,02"], "net-volume", "ft3"),
    measure("366", "NET VOLUME (yd³)", &["01,02"], "net-volume", "yd3"),
    measure("367", "VOLUME (in³), log", &["00,01"], "gross-volume", "in3"),
    measure("368", "VOLUME (ft³), log", &["00,01"], "gross-volume", "ft3"),
    measure("369", "VOLUME (yd³), log", &["00,01"], "gross-volume", "yd3"),
    row("37", "COUNT", &[n_to(8)]).needs(&["00", "02,8026"]).says(Count("content-count")),
    row("390", "AMOUNT", &[n_to(15)]).family(9).needs(&["255,8020"]).excludes("390n,391n,394n,8111").says(Amount("amount-payable")),
    row("391", "AMOUNT", &[n(3).checked(&[Currency]), n_to(15)]).family(9).needs(&["8020"]).excludes("391n").says(Money("amount-payable")),
    row("392", "PRICE", &[n_to(15)]).family(9).needs(&["01", "30,31nn,32nn,35nn,36nn"]).excludes("392n,393n").says(Amount("price")),
    row("393", "PRICE", &[n(3).checked(&[Currency]), n_to(15)]).family(9).needs(&["30,31nn,32nn,35nn,36nn"]).excludes("393n").says(Money("price")),
    row("394", "PRCNT OFF", &[n(4)]).family(3).needs(&["255"]).excludes("394n,8111").says(Number("discount-percent")),
    row("395", "PRICE/UoM", &[n(6)]).family(5).needs(&["30,31nn,32nn,35nn,36nn"]).excludes("392n,393n,395n,8005").says(Amount("price-per-unit")),
    row("400", "ORDER NUMBER", &[x_to(30)]).says(Text("purchase-order")),
    row("401", "GINC", &[x_to(30).checked(&[Prefix1])]).key(&[]),
    row("402", "GSIN", &[n(17).checked(&[Digit, Prefix1])]).key(&[]),
    row("403", "ROUTE", &[x_to(30)]).needs(&["00"]),
    row("410", "SHIP TO LOC", &[n(13).checked(&[Digit, Prefix1])]),
    row("411", "BILL TO", &[n(13).checked(&[Digit, Prefix1])]),
    row("412", "PURCHASE FROM", &[n(13).checked(&[Digit, Prefix1])]),
    row("413", "SHIP FOR LOC", &[n(13).checked(&[Digit, Prefix1])]),
    row("414", "LOC No.", &[n(13).checked(&[Digit, Prefix1])]).key(&[&["254"], &["7040"]]).says(Text("location")),
    row("415", "PAY TO", &[n(13).checked(&[Digit, Prefix1])]).key(&[&["8020"]]).needs(&["8020"]),
    row("416", "PROD/SERV LOC", &[n(13).checked(&[Digit, Prefix1])]),
    row("417", "PARTY", &[n(13).checked(&[Digit, Prefix1])]).key(&[&["7040"]]),
    row("420", "SHIP TO POST", &[x_to(20)]).excludes("421"),
    row("421", "SHIP TO POST", &[n(3).checked(&[Country]), x_to(9)]).excludes("4307"),
    row("422", "ORIGIN", &[n(3).checked(&[Country])]).needs(&["01,02,8006,8026"]).excludes("426"),
    row("423", "COUNTRY - INITIAL PROCESS", FIVE_COUNTRIES).needs(&["01,02"]).excludes("426"),
    row("424", "COUNTRY - PROCESS", &[n(3).checked(&[Country])]).needs(&["01,02"]).excludes("426"),
    row("425", "COUNTRY - DISASSEMBLY", FIVE_COUNTRIES).needs(&["01,02"]).excludes("426"),
    row("426", "COUNTRY - FULL PROCESS", &[n(3).checked(&[Country])]).needs(&["01,02"]),
    row("427", "ORIGIN SUBDIVISION", &[x_to(3)]).needs(&["01,02", "422"]),
    row("4300", "SHIP TO COMP", &[x_to(35).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4301", "SHIP TO NAME", &[x_to(35).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4302", "SHIP TO ADD1", &[x_to(70).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4303", "SHIP TO ADD2", &[x_to(70).checked(&[Percent])]).needs(&["4302"]).says(Says::Private),
    row("4304", "SHIP TO SUB", &[x_to(70).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4305", "SHIP TO LOC", &[x_to(70).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4306", "SHIP TO REG", &[x_to(70).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4307", "SHIP TO COUNTRY", &[x(2).checked(&[CountryAlpha])]).needs(&["00"]).says(Says::Private),
    row("4308", "SHIP TO PHONE", &[x_to(30)]).needs(&["00"]).says(Says::Private),
    row("4309", "SHIP TO GEO", &[n(10).checked(&[Latitude]), n(10).checked(&[Longitude])]).needs(&["00"]).says(Says::Private),
    row("4310", "RTN TO COMP", &[x_to(35).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4311", "RTN TO NAME", &[x_to(35).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4312", "RTN TO ADD1", &[x_to(70).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4313", "RTN TO ADD2", &[x_to(70).checked(&[Percent])]).needs(&["4312"]).says(Says::Private),
    row("4314", "RTN TO SUB", &[x_to(70).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4315", "RTN TO LOC", &[x_to(70).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4316", "RTN TO REG", &[x_to(70).checked(&[Percent])]).needs(&["00"]).says(Says::Private),
    row("4317", "RTN TO COUNTRY", &[x(2).checked(&[CountryAlpha])]).needs(&["00"]).says(Says::Private),
    row("4318", "RTN TO POST", &[x_to(20)]).needs(&["00"]).says(Says::Private),
    row("4319", "RTN TO PHONE", &[x_to(30)]).needs(&["00"]).says(Says::Private),
    row("4320", "SRV DESCRIPTION", &[x_to(35).checked(&[Percent])]).needs(&["00"]),
    row("4321", "DANGEROUS GOODS", &[n(1).checked(&[YesNo])]).needs(&["00"]),
    row("4322", "AUTH LEAVE", &[n(1).checked(&[YesNo])]).needs(&["00"]),
    row("4323", "SIG REQUIRED", &[n(1).checked(&[YesNo])]).needs(&["00"]),
    row("4324", "NBEF DEL DT", &[n(6).checked(&[Date0]), n(4).checked(&[HourMinute])]).needs(&["00"]),
    row("4325", "NAFT DEL DT", &[n(6).checked(&[Date0]), n(4).checked(&[HourMinute])]).needs(&["00"]),
    row("4326", "REL DATE", &[n(6).checked(&[Date])]).needs(&["00"]),
    row("4330", "MAX TEMP F", &[n(6), x(1).checked(&[Hyphen]).optional()]).needs(&["00"]).excludes("4331"),
    row("4331", "MAX TEMP C", &[n(6), x(1).checked(&[Hyphen]).optional()]).needs(&["00"]).excludes("4330"),
    row("4332", "MIN TEMP F", &[n(6), x(1).checked(&[Hyphen]).optional()]).needs(&["00"]).excludes("4333"),
    row("4333", "MIN TEMP C", &[n(6), x(1).checked(&[Hyphen]).optional()]).needs(&["00"]).excludes("4332"),
    row("7001", "NSN", &[n(13)]).needs(&["01,02,8006,8026"]),
    row("7002", "MEAT CUT", &[x_to(30)]).needs(&["01,02"]),
    row("7003", "EXPIRY TIME", &[n(6).checked(&[Date]), n(4).checked(&[HourMinute])]).needs(&["01,02"]).says(Time("expiry-time")),
    row("7004", "ACTIVE POTENCY", &[n_to(4)]).needs(&["01+10"]),
    row("7005", "CATCH AREA", &[x_to(12)]).needs(&["01,02"]),
    row("7006", "FIRST FREEZE DATE", &[n(6).checked(&[Date])]).needs(&["01,02"]).says(Says::Date("first-frozen")),
    row("7007", "HARVEST DATE", &[n(6).checked(&[Date]), n(6).checked(&[Date]).optional()]).needs(&["01,02"]),
    row("7008", "AQUATIC SPECIES", &[x_to(3)]).needs(&["01,02"]),
    row("7009", "FISHING GEAR TYPE", &[x_to(10)]).needs(&["01,02"]),
    row("7010", "PROD METHOD", &[x_to(2)]).needs(&["01,02"]),
    row("7011", "TEST BY DATE", &[n(6).checked(&[Date]), n(4).checked(&[HourMinute]).optional()]).needs(&["01,02"]).says(Time("test-by")),
    row("7020", "REFURB LOT", &[x_to(20)]).needs(&["01,8006", "416"]),
    row("7021", "FUNC STAT", &[x_to(20)]).needs(&["01,8006"]),
    row("7022", "REV STAT", &[x_to(20)]).needs(&["7021"]),
    row("7023", "GIAI - ASSEMBLY", &[x_to(30).checked(&[Prefix1])]),
    row("703", "PROCESSOR", &[n(3).checked(&[CountryOr999]), x_to(27)]).family(9).needs(&["01,02"]),
    row("7040", "UIC+EXT", &[n(1), x(1), x(1), x(1).checked(&[Importer])]).path_only(),
    row("7041", "UFRGT UNIT TYPE", &[x_to(4).checked(&[Package])]).path_only().needs(&["00"]),
    row("710", "NHRN PZN", &[x_to(20)]).needs(&["01"]),
    row("711", "NHRN CIP", &[x_to(20)]).needs(&["01"]),
    row("712", "NHRN CN", &[x_to(20)]).needs(&["01"]),
    row("713", "NHRN DRN", &[x_to(20)]).needs(&["01"]),
    row("714", "NHRN AIM", &[x_to(20)]).needs(&["01"]),
    row("715", "NHRN NDC", &[x_to(20)]).needs(&["01"]),
    row("716", "NHRN AIC", &[x_to(20)]).needs(&["01"]),
    row("717", "NHRN SRN", &[x_to(20)]).needs(&["01"]),
    row("723", "CERT", &[x(2), x_to(28)]).family(9).needs(&["01,8004"]),
    row("7240", "PROTOCOL", &[x_to(20)]).needs(&["01,8006"]),
    row("7241", "AIDC MEDIA TYPE", &[n(2).checked(&[Medium])]).needs(&["8017,8018"]),
    row("7242", "VCN", &[x_to(25)]).needs(&["8017,8018"]),
    row("7250", "DOB", &[n(8).checked(&[LongDate])]).needs(&["8018"]).excludes("7251").says(Says::Patient),
    row("7251", "DOB TIME", &[n(8).checked(&[LongDate]), n(4).checked(&[HourMinute])]).needs(&["8018"]).excludes("7250").says(Says::Patient),
    row("7252", "BIO SEX", &[n(1).checked(&[Sex])]).needs(&["8018"]).says(Says::Patient),
    row("7253", "FAMILY NAME", &[x_to(40).checked(&[Percent])]).needs(&["8017,8018"]).excludes("7256,7259").says(Says::Patient),
    row("7254", "GIVEN NAME", &[x_to(40).checked(&[Percent])]).needs(&["8017,8018"]).excludes("7256,7259").says(Says::Patient),
    row("7255", "SUFFIX", &[x_to(10)]).needs(&["8017,8018"]).excludes("7256,7259").says(Says::Patient),
    row("7256", "FULL NAME", &[x_to(90).checked(&[Percent])]).needs(&["8017,8018"]).says(Says::Patient),
    row("7257", "PERSON ADDR", &[x_to(70).checked(&[Percent])]).needs(&["8018"]).says(Says::Patient),
    row("7258", "BIRTH SEQUENCE", &[x(3).checked(&[Sequence])]).needs(&["8018+7259"]).says(Says::Patient),
    row("7259", "BABY", &[x_to(40).checked(&[Percent])]).needs(&["8018"]).excludes("7256").says(Says::Patient),
    row("8001", "DIMENSIONS", &[n(4).checked(&[NonZero]), n(5).checked(&[NonZero]), n(3).checked(&[NonZero]), n(1).checked(&[Winding]), n(1)]).needs(&["01"]),
    row("8002", "CMT No.", &[x_to(20)]),
    row("8003", "GRAI", &[n(1).checked(&[Zero]), n(13).checked(&[Digit, Prefix1]), x_to(16).optional()]).key(&[]),
    row("8004", "GIAI", &[x_to(30).checked(&[Prefix1])]).key(&[&["7040"]]),
    row("8005", "PRICE PER UNIT", &[n(6)]).needs(&["01,02"]),
    row("8006", "ITIP", &[n(14).checked(&[Digit, Prefix2]), n(4).checked(&[Piece])]).key(&[&["22", "10", "21"]]).excludes("01,37").says(Gtin),
    row("8007", "IBAN", &[x_to(34).checked(&[Iban])]).needs(&["415"]).says(Says::Private),
    row("8008", "PROD TIME", &[n(6).checked(&[Date]), n(2).checked(&[Hour]), n(2).checked(&[Minute]).optional(), n(2).checked(&[Second]).optional()]).needs(&["01,02"]).says(Time("production-time")),
    row("8009", "OPTSEN", &[x_to(50)]).needs(&["00,01"]),
    row("8010", "CPID", &[y_to(30).checked(&[Prefix1])]).key(&[&["8011"]]),
    row("8011", "CPID SERIAL", &[n_to(12).checked(&[NoZeroFirst])]).path_only().needs(&["8010"]),
    row("8012", "VERSION", &[x_to(20)]).needs(&["01,8006"]),
    row("8013", "GMN", &[x_to(25).checked(&[Pair, Prefix1])]).key(&[]),
    row("8014", "MUDI", &[x_to(25).checked(&[Pair, Prefix1, NonDigit])]).path_only().needs(&["01"]),
    row("8017", "GSRN - PROVIDER", &[n(18).checked(&[Digit, Prefix1])]).key(&[&["8019"]]).excludes("8018"),
    row("8018", "GSRN - RECIPIENT", &[n(18).checked(&[Digit, Prefix1])]).key(&[&["8019"]]).excludes("8017"),
    row("8019", "SRIN", &[n_to(10)]).path_only().needs(&["8017,8018"]),
    row("8020", "REF No.", &[x_to(25)]).path_only().needs(&["415"]),
    row("8026", "ITIP CONTENT", &[n(14).checked(&[Digit, Prefix2]), n(4).checked(&[Piece])]).needs(&["37"]).excludes("02,8006"),
    row("8030", "DIGSIG", &[z_to(90)]).needs(&["00,01+21,253,255,8003,8004,8006+21,8010+8011,8017,8018"]),
    row("8040", "IMEI", &[n(15)]).path_only().needs(&["01+21"]),
    row("8041", "IMEI2", &[n(15)]).path_only().needs(&["01+21+8040"]),
    row("8042", "ESIM", &[n(32)]).path_only().needs(&["01+21+8040"]),
    row("8043", "PSIM", &[n(18), n_to(2).optional()]).path_only().needs(&["01+21+8040"]),
    row("8110", "COUPON", &[x_to(70).checked(&[Coupon])]).says(Says::Coupon),
    row("8111", "POINTS", &[n(4)]).needs(&["255"]),
    row("8112", "COUPON", &[x_to(70).checked(&[Offer])]).says(Says::Coupon),
    row("8200", "PRODUCT URL", &[x_to(70)]).path_only().needs(&["01"]).says(Text("product-url")),
    row("90", "INTERNAL", &[x_to(30)]),
    row("91", "INTERNAL", &[x_to(90)]),
    row("92", "INTERNAL", &[x_to(90)]),
    row("93", "INTERNAL", &[x_to(90)]),
    row("94", "INTERNAL", &[x_to(90)]),
    row("95", "INTERNAL", &[x_to(90)]),
    row("96", "INTERNAL", &[x_to(90)]),
    row("97", "INTERNAL", &[x_to(90)]),
    row("98", "INTERNAL", &[x_to(90)]),
    row("99", "INTERNAL", &[x_to(90)]),
];

/// The number of a measure.
const SIX_DIGITS: &[Part] = &[n(6)];

/// A country and up to four more.
const FIVE_COUNTRIES: &[Part] = &[
    n(3).checked(&[Country]),
    n(3).checked(&[Country]).optional(),
    n(3).checked(&[Country]).optional(),
    n(3).checked(&[Country]).optional(),
    n(3).checked(&[Country]).optional(),
];

#[expect(clippy::indexing_slicing, reason = "the compiler runs it and stops where it is wrong")]
const fn row(code: &'static str, title: &'static str, parts: &'static [Part]) -> Entry {
    let (mut shortest, mut longest, mut place) = (0, 0, 0);
    while place < parts.len() {
        shortest += if parts[place].optional { 0 } else { parts[place].least };
        longest += parts[place].most;
        place += 1;
    }
    let digits = code.as_bytes();
    Entry {
        code,
        title,
        family: None,
        parts,
        shortest,
        longest,
        predefined: predefined(digits[0], digits[1]).is_some(),
        key: None,
        attribute: true,
        needs: &[],
        excludes: "",
        single: false,
        says: Says::Nothing,
    }
}

/// A measure: six digits, the identifier's last digit says how many are decimals.
const fn measure(
    code: &'static str,
    title: &'static str,
    needs: &'static [&'static str],
    name: &'static str,
    unit: &'static str,
) -> Entry {
    let mut entry = row(code, title, SIX_DIGITS).family(5).needs(needs).says(Measure(name, unit));
    entry.single = true;
    entry
}

impl Entry {
    const fn family(mut self, last: u8) -> Self {
        self.family = Some(last);
        self
    }

    const fn key(mut self, qualifiers: &'static [&'static [&'static str]]) -> Self {
        self.key = Some(qualifiers);
        self
    }

    const fn path_only(mut self) -> Self {
        self.attribute = false;
        self
    }

    const fn needs(mut self, needs: &'static [&'static str]) -> Self {
        self.needs = needs;
        self
    }

    const fn excludes(mut self, excludes: &'static str) -> Self {
        self.excludes = excludes;
        self
    }

    const fn says(mut self, says: Says) -> Self {
        self.says = says;
        self
    }
}

impl Part {
    const fn checked(mut self, checks: &'static [Check]) -> Self {
        self.checks = checks;
        self
    }

    const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

const fn part(set: Set, least: usize, most: usize) -> Part {
    Part { set, least, most, optional: false, checks: &[] }
}

const fn n(length: usize) -> Part {
    part(Set::N, length, length)
}

const fn n_to(most: usize) -> Part {
    part(Set::N, 1, most)
}

const fn x(length: usize) -> Part {
    part(Set::X, length, length)
}

const fn x_to(most: usize) -> Part {
    part(Set::X, 1, most)
}

const fn y_to(most: usize) -> Part {
    part(Set::Y, 1, most)
}

const fn z_to(most: usize) -> Part {
    part(Set::Z, 1, most)
}
