//! The names of records.

use sha2::{Digest as _, Sha256};

/// The end of every record's name.
pub(super) const RECORD: &str = ".json";

/// The end of the name of a write that is under way.
pub(super) const UNFINISHED: &str = ".tmp";

/// The name of a reservation's record.
pub(super) fn standard(reservation_id: &str) -> String {
    let mut name = String::with_capacity(80);
    name.push_str("v2-");
    for byte in Sha256::digest(reservation_id) {
        for digit in [byte >> 4, byte & 0xf] {
            name.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    name + RECORD
}

/// The names that early versions of the clients gave it: characters that are unsafe in a name became `_`, so that different ids
/// may share a name. JavaScript counted characters outside the basic plane twice; where there are any, that name comes second.
pub(super) fn legacy(reservation_id: &str) -> impl Iterator<Item = String> {
    let name = |width: fn(char) -> usize| {
        let mut name = String::with_capacity(reservation_id.len() + RECORD.len());
        for c in reservation_id.chars() {
            match c {
                'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-' => name.push(c),
                _ => (0..width(c)).for_each(|_| name.push('_')),
            }
        }
        name + RECORD
    };
    let by_character = name(|_| 1);
    let by_utf16 = Some(name(char::len_utf16)).filter(|name| *name != by_character);
    std::iter::once(by_character).chain(by_utf16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_named_by_the_digest_of_the_exact_id() {
        for (id, digest) in [
            ("rsv_1", "228a13c45c8ee9206cbfaed7b632dd9245a4706eab19b19b41a3b8b71152d9ab"),
            ("rsv/a", "e3edb9ca022de3c9c90c5667d47fa66448cee1f254e488a761313faee34141d7"),
            ("rsv_a", "80bbb4b84643293ad96bc2381b863301591d0acc7afb0858cd7bcdee5f698099"),
            ("rsv-😀", "b58f7a20c6f6f6c8788e88bf958bc267851f0bc12079a187c97f9227d1cd5388"),
            ("rsv_a1b2c3d4", "3f9054770da69ec749b95687c6ae25d7d00c85f0ddba18931d79e68f790c596a"),
            ("res/1", "e715e33493435882ca2c7c6f09b67fba8bbd98d678730145a83f0abb0bdb6cef"),
            ("res:1", "36a82fc25545bb772d85ec4f4c64fcbb4121755af075adfab9c96623d1c394e9"),
            ("res_1", "0dfc65300e3e6cd89ca455fe7ea5cecbcdcb43286b50ef1ba3866bcb86dd31f6"),
            ("RES_1", "386e186202cb91e6de916db65b6ea78bd5fdc8b57820278efb720f456e74c8a6"),
            ("r\u{e9}", "0c1e5965f492f2c4038fc8ec53199c998ca9a7c4dbb71a9a09bdcb914ff22c90"),
            ("re\u{301}", "20c2ddf34a401660e47c6e568fbd0f1e6166d9c76f879e696035c0e902b33283"),
            ("😀", "f0443a342c5ef54783a111b51ba56c938e474c32324d90c3a60c9c8e3a37e2d9"),
        ] {
            assert_eq!(standard(id), format!("v2-{digest}.json"), "{id}");
        }
    }

    #[test]
    fn legacy_names_replace_what_is_unsafe_by_character_and_as_javascript_did() {
        for (id, expected) in [
            ("rsv_1", &["rsv_1.json"][..]),
            ("rsv/a:b.c", &["rsv_a_b_c.json"]),
            ("..", &["__.json"]),
            ("ré", &["r_.json"]),
            ("rsv-😀", &["rsv-_.json", "rsv-__.json"]),
        ] {
            assert_eq!(legacy(id).collect::<Vec<_>>(), expected, "{id}");
        }
    }
}
