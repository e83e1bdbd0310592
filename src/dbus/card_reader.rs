//! `org.tillbus1.CardReader` at the object of each device that reads cards.

use zbus::interface;
use zbus::object_server::SignalEmitter;

use super::convert::Dict;

/// A card reader.
pub(super) struct CardReaderInterface;

/// A device that reads cards.
#[interface(name = "org.tillbus1.CardReader")]
impl CardReaderInterface {
    /// A card was read: its sequence number, and what may be said of it. For the owner of the device
    /// alone, where it has the right `card`, or for nobody. No clear card number and no clear track is
    /// ever in it: `Take` of the Device interface hands those over, where `takeable` says that there is
    /// something to hand over.
    ///
    /// Always: `device`, `lane`, `received` (CLOCK_BOOTTIME, µs), `time` (since 1970, µs),
    /// `time-synchronised`, `kind` (`financial`, `licence`, `listed`, `other`, `unread`) and `tracks`
    /// (for each track that was there, by its number: `present`, or what is wrong with it).
    ///
    /// Where known: `pan-masked`, `brand`, `expiry` (`2025-12`), `service-code`, `service` (its meaning:
    /// `area`, `authorisation`, `services`), `chip`, `check-digit` (whether the number ends in it),
    /// `number` (of `listed` cards alone), `token` (64 hexadecimal digits) with `token-key-id`. Where
    /// true: `tracks-disagree`, `takeable`, `simulated`; `age-ms` and `stale` when delivered late.
    /// `refused` is there instead where configuration keeps the card back, and names the key that does.
    ///
    /// Of an encrypting head: `scheme`, `ksn`, and by track `ciphertext` and `lengths`, as they came; what
    /// else it sends is on its protocol's page. `masked-tracks` are the tracks that it shows, with the number,
    /// the expiry and the service code, and asterisks for all else. As the head shows them, and with hashes
    /// where it makes any, `Take` hands them over.
    #[zbus(signal)]
    async fn card_read(
        emitter: &SignalEmitter<'_>,
        sequence: u64,
        card: Dict<'_>,
    ) -> zbus::Result<()>;
}
