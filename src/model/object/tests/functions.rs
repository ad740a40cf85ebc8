//! The functions below `v1alpha1.`: their names, parameters and documentation.

use super::super::*;

const SIGNATURES: &str = include_str!("../../../../testdata/openapi/signatures.txt");

#[test]
fn every_function_has_upstreams_name_and_parameters_in_upstreams_order() {
    let signature = |function: &Function| {
        let parameters: Vec<_> = function
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
            .collect();
        format!("{}({})", function.name, parameters.join(", "))
    };
    let all: Vec<_> = creators().iter().chain(struct_helpers()).map(signature).collect();
    assert_eq!(all, SIGNATURES.lines().collect::<Vec<_>>());
    assert_eq!((creators().len(), struct_helpers().len()), (8, 28));
}

#[test]
fn every_function_and_parameter_is_documented() {
    for function in creators().iter().chain(struct_helpers()) {
        assert!(function.doc.ends_with('.'), "{}", function.name);
        for parameter in &function.parameters {
            assert!(parameter.doc.ends_with('.'), "{}({})", function.name, parameter.name);
        }
    }
}

#[test]
fn only_the_name_of_an_object_is_required() {
    let required = |function: &'static Function| {
        function
            .parameters
            .iter()
            .filter(|parameter| parameter.required)
            .map(|parameter| parameter.name.as_str())
    };
    assert!(creators().iter().all(|function| required(function).eq(["name"])));
    assert!(struct_helpers().iter().all(|function| required(function).count() == 0));
}
