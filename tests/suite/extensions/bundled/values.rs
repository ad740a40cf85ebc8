//! Extensions for values: `dotenv`, `local_output`, `global_vars`.

use crate::extensions::Place;

#[test]
fn dotenv_sets_variables_for_what_follows() {
    let place = Place::new();
    let env = "# comment\n\nPLAIN=1=2\nQUOTED='a b'\nLONG=\"first\nsecond\"\nOPEN='x\n";
    place.file("project/.env", env);
    let ran = place
        .load(
            "load('ext://dotenv', 'dotenv')
dotenv(verbose=True)
print([os.getenv(name) for name in ['PLAIN', 'QUOTED', 'LONG', 'OPEN']])
local('echo $PLAIN')
dotenv('absent.env')
",
        )
        .succeeded();
    assert!(ran.said(r#"["1=2", "a b", "first\nsecond", "'x"]"#), "{}", ran.log);
    assert!(ran.said(" → 1=2"), "{}", ran.log);
    assert!(ran.said("Loading environment variable: PLAIN"), "{}", ran.log);
    assert!(
        ran.said("Environment variables file not found: 'absent.env'"),
        "{}",
        ran.log
    );
    place.file("project/.env", "A=1\nnot a variable\n");
    let failure = place.load("load('ext://dotenv', 'dotenv')\ndotenv()\n").failure();
    assert_eq!(
        failure,
        "Error in fail: Invalid format for dotenv file: 'not a variable' in '.env:2'"
    );
}

#[test]
fn local_output_is_text_without_its_line_break() {
    let ran = Place::new()
        .load(
            "load('ext://local_output', 'local_output')
print([local_output('echo a; echo b'), local_output(['printf', 'x'], quiet=True), local_output('echo $E', env={'E': 'e'})])
",
        )
        .succeeded();
    assert!(ran.said(r#"["a\nb", "x", "e"]"#), "{}", ran.log);
}

#[test]
fn global_vars_outlive_the_file_that_sets_them() {
    let place = Place::new();
    place.file(
        "project/other/Tiltfile",
        "load('ext://global_vars', 'set_global')\nset_global('shade', 'blue')\n",
    );
    let ran = place
        .load(
            "load('ext://global_vars', 'get_global', 'set_global', 'unset_global')
print(get_global('shade'))
include('other/Tiltfile')
print(get_global('shade'))
unset_global('shade')
print(get_global('shade'))
",
        )
        .succeeded();
    assert!(ran.log.contains("None\nblue\nNone\n"), "{}", ran.log);
}
