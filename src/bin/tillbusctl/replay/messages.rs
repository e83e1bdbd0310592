//! `replay --messages`: a dialogue that somebody has logged, message by message.

use serde_json::{Value, json};
use tillbus::protocol::{self, Side};
use tillbus::recording::message::{Field, Message};
use tillbus::recording::pasted;

use crate::error::{Error, complain};
use crate::output::{say, say_json};
use crate::style::{Style, Tone, plain};

/// Tells the dialogue in the protocol of this name.
pub(super) fn tell(name: &str, log: &str, json: bool) -> Result<(), Error> {
    let telling = protocol::telling(name).ok_or_else(|| {
        let known: Vec<&str> = protocol::ALL
            .iter()
            .map(|info| info.name)
            .filter(|name| protocol::telling(name).is_some())
            .collect();
        let known = known.join(", ");
        Error::failed(format!(
            "messages of protocol {name} are not told; accepted is a profile of {known}"
        ))
    })?;
    let stretches = pasted::read(log);
    if stretches.is_empty() {
        return Err(Error::failed(
            "no bytes found; accepted are lines with pairs of hex digits, with `<` or RX before what the \
             terminal sent and `>` or TX before what the till did",
        ));
    }
    let style = Style::of_stdout();
    let messages = telling(&stretches);
    for message in &messages {
        if json {
            say_json(&object(message))?;
        } else {
            say_message(style, message)?;
        }
    }
    let stopped = messages.iter().filter(|message| message.stop.is_some()).count();
    if stopped > 0 {
        complain(&format!(
            "{stopped} of {} messages are not understood to their end",
            messages.len()
        ));
    }
    Ok(())
}

fn side(side: Option<Side>) -> &'static str {
    match side {
        Some(Side::Till) => "till",
        Some(Side::Terminal) => "terminal",
        None => "unknown",
    }
}

fn say_message(style: Style, message: &Message) -> Result<(), Error> {
    let line = style.paint(Tone::Faint, &format!("{:5}", message.line));
    let side = side(message.side);
    let tag = style.paint(Tone::Word, &format!("{:5}", message.tag));
    let name = style.paint(Tone::Strong, &plain(&message.name));
    say(&format!("{line}  {side:8}  {tag}  {name}"))?;
    say_fields(style, &message.fields, 0)?;
    let Some(stop) = &message.stop else { return Ok(()) };
    let words = format!("from byte {} on it is not understood: {}", stop.at, stop.why);
    say(&format!("{:24}{}", "", style.paint(Tone::Bad, &plain(&words))))
}

fn say_fields(style: Style, fields: &[Field], depth: usize) -> Result<(), Error> {
    for field in fields {
        let indent = " ".repeat(24 + 2 * depth);
        let tag = if field.tag.is_empty() { String::new() } else { format!("{:4}  ", field.tag) };
        let (tag, value) = (style.paint(Tone::Word, &tag), plain(&field.value));
        let between = if value.is_empty() { "" } else { "  " };
        say(&format!("{indent}{tag}{}{between}{}", field.name, style.paint(Tone::Strong, &value)))?;
        say_fields(style, &field.fields, depth + 1)?;
    }
    Ok(())
}

fn object(message: &Message) -> Value {
    let mut object = json!({
        "line": message.line,
        "side": side(message.side),
        "tag": message.tag,
        "name": message.name,
        "fields": list(&message.fields),
    });
    if let (Some(stop), Some(object)) = (&message.stop, object.as_object_mut()) {
        object.insert("stops-at".to_owned(), stop.at.into());
        object.insert("why".to_owned(), stop.why.as_str().into());
    }
    object
}

fn list(fields: &[Field]) -> Value {
    let fields = fields.iter().map(|field| {
        let mut object = json!({ "tag": field.tag, "name": field.name, "value": field.value });
        if let (false, Some(object)) = (field.fields.is_empty(), object.as_object_mut()) {
            object.insert("fields".to_owned(), list(&field.fields));
        }
        object
    });
    Value::Array(fields.collect())
}
