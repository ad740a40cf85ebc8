//! Requests and objects that are refused, and why.

use serde_json::json;

use super::{BASE, button, made, said, with_client};

#[test]
fn what_an_object_has_no_place_for_is_refused_told_or_passed_over() {
    with_client(async |client| {
        let mut object = button("b");
        object["spec"]["color"] = json!("red");
        let line = |validation: &str| format!("POST {BASE}/uibuttons?dryRun=All{validation}");
        let (code, _, message) = said(&client.send(&line("&fieldValidation=Strict"), object.clone()).await);
        assert_eq!(code, 400);
        assert!(
            message.ends_with("strict decoding error: unknown field \"spec.color\""),
            "{message}"
        );
        let told = client.send(&line(""), object.clone()).await;
        assert_eq!(
            (told.code(), told.headers["warning"].to_str().unwrap()),
            (201, "299 - \"unknown field \\\"spec.color\\\"\"")
        );
        let passed = client.send(&line("&fieldValidation=Ignore"), object).await;
        assert!(passed.code() == 201 && !passed.headers.contains_key("warning"));
        let twice = r#"{"metadata":{"name":"b"},"spec":{"text":"a","text":"b"}}"#;
        let json = [("content-type", "application/json")];
        let (_, _, message) = said(&client.ask(&line("&fieldValidation=Strict"), &json, twice).await);
        assert!(message.ends_with("duplicate field \"spec.text\""), "{message}");
    });
}

#[test]
fn requests_that_make_no_sense_are_told_why() {
    with_client(async |client| {
        made(&client, "b").await;
        let json = [("content-type", "application/json")];
        let table = [
            ("GET /apis/tilt.dev/v1alpha1/pods", "", 404, "NotFound"),
            ("PUT /apis/tilt.dev/v1alpha1/cmds", "", 405, "MethodNotAllowed"),
            ("POST /apis/tilt.dev/v1alpha1/cmds/a", "", 405, "MethodNotAllowed"),
            (
                "DELETE /apis/tilt.dev/v1alpha1/cmds/a/status",
                "",
                405,
                "MethodNotAllowed",
            ),
            ("POST /version", "", 405, "MethodNotAllowed"),
            (
                "GET /apis/tilt.dev/v1alpha1/cmds?fieldSelector=spec.x=y",
                "",
                400,
                "BadRequest",
            ),
            ("GET /apis/tilt.dev/v1alpha1/cmds?labelSelector=a==", "", 200, ""),
            (
                "GET /apis/tilt.dev/v1alpha1/cmds?labelSelector=a%20b",
                "",
                400,
                "BadRequest",
            ),
            ("GET /apis/tilt.dev/v1alpha1/cmds?continue=%21", "", 400, "BadRequest"),
            (
                "GET /apis/tilt.dev/v1alpha1/cmds?resourceVersion=99999",
                "",
                504,
                "Timeout",
            ),
            (
                "GET /apis/tilt.dev/v1alpha1/cmds?resourceVersion=1&resourceVersionMatch=Exact",
                "",
                410,
                "Expired",
            ),
            ("POST /apis/tilt.dev/v1alpha1/cmds", "{", 400, "BadRequest"),
            ("POST /apis/tilt.dev/v1alpha1/cmds", "[]", 400, "BadRequest"),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"kind":"Pod","apiVersion":"v1"}"#,
                400,
                "BadRequest",
            ),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"metadata":{"name":"a"},"spec":{"args":"x"}}"#,
                400,
                "BadRequest",
            ),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"metadata":{"name":"a","resourceVersion":"1"}}"#,
                400,
                "BadRequest",
            ),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"metadata":{"name":"a","namespace":"x"}}"#,
                422,
                "Invalid",
            ),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"metadata":{"name":"a","labels":{"x":"-"}}}"#,
                422,
                "Invalid",
            ),
            ("POST /apis/tilt.dev/v1alpha1/cmds", "{}", 422, "Invalid"),
            (
                "POST /apis/tilt.dev/v1alpha1/cmds",
                r#"{"metadata":{"name":"a/b"}}"#,
                422,
                "Invalid",
            ),
            (
                "PUT /apis/tilt.dev/v1alpha1/uibuttons/b",
                r#"{"metadata":{"name":"c"}}"#,
                400,
                "BadRequest",
            ),
            (
                "PUT /apis/tilt.dev/v1alpha1/uibuttons/c",
                r#"{"metadata":{"name":"c"}}"#,
                404,
                "NotFound",
            ),
            (
                "PATCH /apis/tilt.dev/v1alpha1/uibuttons/b",
                "{}",
                415,
                "UnsupportedMediaType",
            ),
            (
                "DELETE /apis/tilt.dev/v1alpha1/uibuttons/b?propagationPolicy=Slow",
                "",
                400,
                "BadRequest",
            ),
            (
                "DELETE /apis/tilt.dev/v1alpha1/tiltfiles/(Tiltfile)",
                "",
                403,
                "Forbidden",
            ),
        ];
        for (line, body, code, reason) in table {
            let answer = client.ask(line, &json, body).await;
            assert_eq!(answer.code(), code, "{line} {body}: {}", answer.text());
            if code >= 400 {
                assert_eq!(said(&answer).1, reason, "{line} {body}");
            }
        }
        let large = format!("{{\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(21 << 20));
        let answer = client.ask(&format!("POST {BASE}/configmaps"), &json, &large).await;
        assert_eq!(said(&answer).0, 413);
    });
}

#[test]
fn what_is_wrong_with_an_object_is_told_field_by_field() {
    with_client(async |client| {
        let bad = json!({"metadata": {"name": "bad"}, "spec": {"location": {"componentID": "a", "componentType": "Resource"}}});
        let answer = client.send(&format!("POST {BASE}/uibuttons"), bad).await;
        assert_eq!(
            said(&answer).2,
            "UIButton.tilt.dev \"bad\" is invalid: spec.text: Required value: Button text cannot be empty"
        );
        let want = json!({
            "name": "bad", "group": "tilt.dev", "kind": "UIButton",
            "causes": [{"reason": "FieldValueRequired", "message": "Required value: Button text cannot be empty", "field": "spec.text"}],
        });
        assert_eq!(answer.json()["details"], want);
    });
}
