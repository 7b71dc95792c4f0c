//! Replies that are a status, and perhaps a message.

use super::json::{close, write_string};

/// It worked, and there is nothing to tell.
pub fn ok() -> Vec<u8> {
    status("ok")
}

/// A reply that consists of a status.
pub fn status(status: &str) -> Vec<u8> {
    let mut text = String::from(r#"{"status": "#);
    write_string(&mut text, status);
    close(text)
}

/// It did not work, and why.
pub fn error(message: &str) -> Vec<u8> {
    let mut text = String::from(r#"{"status": "error", "errmessage": "#);
    write_string(&mut text, message);
    close(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn status_replies_have_one_space_after_each_colon_and_comma() {
        assert_eq!(text(ok()), r#"{"status": "ok"}"#);
        assert_eq!(text(status("need addr variable")), r#"{"status": "need addr variable"}"#);
        let reply = r#"{"status": "error", "errmessage": "Name or service not known"}"#;
        assert_eq!(text(error("Name or service not known")), reply);
        assert_eq!(text(error("\"\n")), r#"{"status": "error", "errmessage": "\"\n"}"#);
    }
}
