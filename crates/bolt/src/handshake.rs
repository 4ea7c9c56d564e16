//! The first twenty bytes: magic, then four proposals of versions.

use crate::version::Version;

/// The four bytes with which every Bolt client begins.
pub const MAGIC: [u8; 4] = [0x60, 0x60, 0xB0, 0x17];

/// Length of the client's opening: magic and four proposals.
pub const OPENING_BYTES: usize = 20;

/// The answer when no proposal can be served; the server closes after it.
pub const REFUSAL: [u8; 4] = [0; 4];

/// The bytes are no Bolt opening; close without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection does not begin with Bolt's magic bytes")]
pub struct NotBolt;

/// Picks the version to speak: the first proposal that is served, at its highest minor.
///
/// `None` when nothing fits. A manifest proposal (`00 00 01 FF`) is major 255 to us and is passed over, because
/// clients that send it fill the other slots too.
pub fn choose(opening: &[u8; OPENING_BYTES]) -> Result<Option<Version>, NotBolt> {
    let (magic, proposals) = opening.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(NotBolt);
    }
    Ok(proposals.chunks_exact(4).find_map(|slot| best_of(slot[1], slot[2], slot[3])))
}

/// Gives the server's answer for a chosen version.
#[must_use]
pub fn answer(version: Version) -> [u8; 4] {
    [0, 0, version.minor, version.major]
}

/// Builds a client's opening from at most four versions, the best first.
#[must_use]
pub fn opening(versions: &[Version]) -> [u8; OPENING_BYTES] {
    let mut bytes = [0; OPENING_BYTES];
    bytes[..4].copy_from_slice(&MAGIC);
    for (slot, version) in bytes[4..].chunks_exact_mut(4).zip(versions) {
        slot[2] = version.minor;
        slot[3] = version.major;
    }
    bytes
}

/// A proposal means `major.minor` and as many lower minors as `range` says.
fn best_of(range: u8, minor: u8, major: u8) -> Option<Version> {
    Version::SERVED
        .into_iter()
        .find(|served| served.major == major && served.minor <= minor && served.minor >= minor.saturating_sub(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(proposals: [[u8; 4]; 4], expected: &str) {
        let mut bytes = [0; OPENING_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..].copy_from_slice(proposals.as_flattened());
        let got = match choose(&bytes) {
            Ok(Some(version)) => version.to_string(),
            Ok(None) => "none".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected);
    }

    const EMPTY: [u8; 4] = [0; 4];

    #[test]
    fn chooses_the_first_proposal_that_fits() {
        // What official drivers send.
        check([[0, 0, 1, 0xFF], [0, 8, 8, 5], [0, 2, 4, 4], [0, 0, 0, 3]], "5.4");
        check([[0, 0, 4, 4], EMPTY, EMPTY, EMPTY], "4.4");
        check([[0, 2, 4, 4], [0, 0, 0, 5], EMPTY, EMPTY], "4.4");
        check([[0, 3, 3, 4], [0, 0, 0, 4], [0, 0, 0, 3], [0, 0, 0, 2]], "4.3");
        check([[0, 0, 3, 5], EMPTY, EMPTY, EMPTY], "5.3");
        check([[0, 0, 0, 6], [0, 3, 3, 5], EMPTY, EMPTY], "5.3");
    }

    #[test]
    fn refuses_what_it_does_not_speak() {
        check([[0, 0, 2, 4], [0, 0, 8, 5], [0, 0, 0, 3], EMPTY], "none");
        check([EMPTY, EMPTY, EMPTY, EMPTY], "none");
        check([[0, 0, 1, 0xFF], EMPTY, EMPTY, EMPTY], "none");
        assert_eq!(choose(b"GET / HTTP/1.1\r\nHost"), Err(NotBolt));
    }

    #[test]
    fn opening_and_answer_agree() {
        for version in Version::SERVED {
            assert_eq!(choose(&opening(&[version])), Ok(Some(version)));
            assert_eq!(answer(version), [0, 0, version.minor, version.major]);
        }
    }
}
