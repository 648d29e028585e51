//! Fields of protocol buffers as bytes: a key of number and wire type, then the value. Knows no message.

/// A number in base 128, least digits first.
pub(super) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// `int32`, `int64`, `enum` and the like.
pub(super) fn field_varint(field: u32, value: u64) -> Vec<u8> {
    [key(field, 0), varint(value)].concat()
}

/// `double`.
pub(super) fn field_double(field: u32, value: f64) -> Vec<u8> {
    [&key(field, 1)[..], &value.to_le_bytes()].concat()
}

/// `string`, `bytes` and messages.
pub(super) fn field_bytes(field: u32, bytes: &[u8]) -> Vec<u8> {
    [&key(field, 2)[..], &varint(bytes.len() as u64), bytes].concat()
}

/// `float`.
pub(super) fn field_float(field: u32, value: f32) -> Vec<u8> {
    [&key(field, 5)[..], &value.to_le_bytes()].concat()
}

fn key(field: u32, wire_type: u32) -> Vec<u8> {
    varint(u64::from(field << 3 | wire_type))
}

/// What a field holds.
#[cfg(test)]
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Number(u64),
    Bytes(Vec<u8>),
}

/// The fields of a message without `float` and `double`, by their numbers.
#[cfg(test)]
pub(super) fn fields(mut message: &[u8]) -> Vec<(u32, Value)> {
    let number = |message: &mut &[u8]| {
        let length = 1 + message.iter().position(|byte| *byte < 0x80).expect("a varint ends");
        let (digits, rest) = message.split_at(length);
        *message = rest;
        digits.iter().rev().fold(0, |value, digit| value << 7 | u64::from(digit & 0x7f))
    };
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (key, value) = (number(&mut message), number(&mut message));
        let value = match key & 7 {
            0 => Value::Number(value),
            2 => {
                let (bytes, rest) = message.split_at(value as usize);
                message = rest;
                Value::Bytes(bytes.to_vec())
            }
            wire_type => panic!("wire type {wire_type}"),
        };
        fields.push(((key >> 3) as u32, value));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_keys_are_varints() {
        assert_eq!(varint(300), [0xac, 0x02]);
        // python: Record(run=RunRecord(run_id="a")).SerializeToString().hex(), of wandb 0.22.3
        assert_eq!(field_bytes(17, &field_bytes(1, b"a")), [0x8a, 0x01, 0x03, 0x0a, 0x01, b'a']);
        let message = [field_varint(16, 300), field_bytes(1, b"a")].concat();
        assert_eq!(fields(&message), [(16, Value::Number(300)), (1, Value::Bytes(b"a".to_vec()))]);
    }
}
