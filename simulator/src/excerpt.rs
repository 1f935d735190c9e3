//! What strangers send, cut to a size that a record may hold. Whatever is cut says so at its end, and by how much, so
//! that nobody takes the rest for the whole; what fits is kept byte for byte.

use crate::api::Params;

/// What one field takes beside its text: two strings in a list.
const FIELD_BYTES: usize = size_of::<(String, String)>();

/// At most `limit` bytes of the text, and the mark.
pub(crate) fn text(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit);
    [&text[..end], &mark(text.len() - end, "bytes")].concat()
}

/// The fields, in their order, as far as they take at most `limit` bytes of memory together. The field that passes the
/// limit is cut; of those after it there is only the mark, as a field without a name.
pub(crate) fn form(params: &Params, limit: usize) -> Vec<(String, String)> {
    let mut left = limit;
    let mut kept = Vec::new();
    let mut pairs = params.pairs().iter();
    while left >= FIELD_BYTES
        && let Some((name, value)) = pairs.next()
    {
        let for_name = left - FIELD_BYTES;
        let for_value = for_name.saturating_sub(name.len());
        kept.push((text(name, for_name), text(value, for_value)));
        left = for_value.saturating_sub(value.len());
    }
    let missing = pairs.len();
    if missing > 0 {
        kept.push((String::new(), mark(missing, "fields")));
    }
    kept.shrink_to_fit();
    kept
}

fn mark(count: usize, unit: &str) -> String {
    format!("…[+{count} {unit}]")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 1000;
    /// Two cut texts and the field that counts those that are missing.
    const MARKS: usize = 3 * 40 + FIELD_BYTES;

    fn params(pairs: Vec<(String, String)>) -> Params {
        pairs.into_iter().fold(Params::default(), |mut params, (name, value)| {
            params.push(&name, value);
            params
        })
    }

    fn taken(kept: &Vec<(String, String)>) -> usize {
        let texts: usize = kept.iter().map(|(name, value)| name.capacity() + value.capacity()).sum();
        kept.capacity() * FIELD_BYTES + texts
    }

    #[test]
    fn a_cut_text_says_how_much_is_missing() {
        assert_eq!(text("twelve bytes", 12), "twelve bytes");
        assert_eq!(text("thirteen bytes", 8), "thirteen…[+6 bytes]");
        assert_eq!(text("aé", 2), "a…[+2 bytes]");
    }

    #[test]
    fn fields_beyond_the_limit_are_counted() {
        let sent = params((0..1000).map(|number| (number.to_string(), String::new())).collect());
        let kept = form(&sent, LIMIT);
        let (last, before) = kept.split_last().unwrap();
        assert_eq!(*last, (String::new(), format!("…[+{} fields]", 1000 - before.len())));
        assert_eq!(before[0], ("0".to_owned(), String::new()));
    }

    proptest! {
        #[test]
        fn a_form_of_any_size_stays_within_the_limit_and_a_small_one_whole(
            pairs in prop::collection::vec((".{0,40}", ".{0,400}"), 0..40)
        ) {
            let whole = taken(&pairs.clone());
            let kept = form(&params(pairs.clone()), LIMIT);
            prop_assert!(taken(&kept) <= LIMIT + MARKS, "{}", taken(&kept));
            if whole < LIMIT {
                prop_assert_eq!(kept, pairs);
            }
        }
    }
}
