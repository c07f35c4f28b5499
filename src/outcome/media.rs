//! Bytes → the media type that their first bytes show, for the formats that MCP clients can use.

/// How the protocol carries a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// An `image` block.
    Image,
    /// An `audio` block.
    Audio,
    /// An embedded resource.
    Resource,
}

/// The carrier and media type, where the format is known. Formats whose signature could begin a text as well are
/// known by what only binary data has: their length or version bytes.
pub(super) fn recognise(bytes: &[u8]) -> Option<(Carrier, &'static str)> {
    let at = |from: usize, wanted: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(wanted));
    let riff = |kind: &[u8]| at(0, b"RIFF") && at(8, kind) && is_binary(bytes);
    Some(match () {
        () if at(0, b"\x89PNG\r\n\x1a\n") => (Carrier::Image, "image/png"),
        () if at(0, b"\xff\xd8\xff") => (Carrier::Image, "image/jpeg"),
        () if (at(0, b"GIF87a") || at(0, b"GIF89a")) && is_binary(bytes) => (Carrier::Image, "image/gif"),
        () if riff(b"WEBP") => (Carrier::Image, "image/webp"),
        () if riff(b"WAVE") => (Carrier::Audio, "audio/wav"),
        () if at(0, b"ID3") && is_binary(bytes) || is_mpeg_audio(bytes) => (Carrier::Audio, "audio/mpeg"),
        () if at(0, b"OggS\0") => (Carrier::Audio, "audio/ogg"),
        () if at(0, b"fLaC\0") => (Carrier::Audio, "audio/flac"),
        () if is_pdf(bytes) => (Carrier::Resource, "application/pdf"),
        () => return None,
    })
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes.contains(&0) || std::str::from_utf8(bytes).is_err()
}

/// An MPEG audio frame of layer III with possible bit and sample rates. (A UTF-16 byte order mark is none.)
fn is_mpeg_audio(bytes: &[u8]) -> bool {
    let &[sync, version_layer, rates, ..] = bytes else { return false };
    let bit_rate = rates >> 4;
    let sample_rate = (rates >> 2) & 0b11;
    sync == 0xff
        && version_layer & 0b1110_0000 == 0b1110_0000
        && version_layer & 0b0000_0110 == 0b0000_0010
        && (1..15).contains(&bit_rate)
        && sample_rate != 3
}

/// A PDF can be all text, so its end counts too; it stands in the last KiB.
fn is_pdf(bytes: &[u8]) -> bool {
    let end = &bytes[bytes.len().saturating_sub(1024)..];
    bytes.starts_with(b"%PDF-") && end.windows(5).any(|window| window == b"%%EOF")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_their_first_bytes() {
        let cases: [(&[u8], Option<&str>); 18] = [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some("image/png")),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0", Some("image/jpeg")),
            (b"GIF89a\x01\0\x01\0\x80", Some("image/gif")),
            (b"GIF89a is an image format\n", None),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x24\0\0\0WAVEfmt ", Some("audio/wav")),
            (b"RIFF\x24\0\0\0AVI LIST", None),
            (b"RIFF and WAVE", None),
            (b"ID3\x03\0\0\0\0\0\x21", Some("audio/mpeg")),
            (b"ID3 tags: none\n", None),
            (b"\xff\xfb\x90\x64\0", Some("audio/mpeg")),
            (b"\xff\xfeh\0i\0", None),
            (b"OggS\0\x02", Some("audio/ogg")),
            (b"fLaC\0\0\0\x22", Some("audio/flac")),
            (b"%PDF-1.4\n1 0 obj\n%%EOF\n", Some("application/pdf")),
            (b"%PDF-1.4 is a version\n", None),
            (b"", None),
            (b"\xff", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(recognise(bytes).map(|(_, mime)| mime), expected, "{}", bytes.escape_ascii());
        }
    }
}
