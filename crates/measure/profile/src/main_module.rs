use std::path::Path;

/// What the `__main__` of a command line is also called.
#[derive(Debug, PartialEq, Eq)]
pub enum MainModule<'a> {
    /// A script, a folder or an archive.
    Script(&'a Path),
    /// `-m`: a module or a package.
    Module(&'a str),
    /// `-c`, standard input, or unknown.
    Nameless,
}

/// Options of the interpreter that take the next word.
const WITH_VALUE: [char; 2] = ['W', 'X'];

impl<'a> MainModule<'a> {
    /// From a command line that begins with the interpreter (`sys.orig_argv`).
    pub fn of(argv: &'a [String]) -> Self {
        let mut words = argv.iter().skip(1);
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                return if word == "-" { Self::Nameless } else { Self::Script(Path::new(word)) };
            };
            if letters.starts_with('-') {
                if letters == "-check-hash-based-pycs" {
                    words.next();
                }
                continue;
            }
            if letters.contains('c') && !has_value_before(letters, 'c') {
                return Self::Nameless;
            }
            match letters.split_once('m').filter(|_| !has_value_before(letters, 'm')) {
                Some((_, "")) => {
                    return words.next().map_or(Self::Nameless, |name| Self::Module(name));
                }
                Some((_, name)) => return Self::Module(name),
                None if letters.ends_with(WITH_VALUE) => drop(words.next()),
                None => {}
            }
        }
        Self::Nameless
    }

    /// Whether the dotted path of a source file names this module.
    pub fn is_called(&self, dotted: &str) -> bool {
        match self {
            Self::Script(path) => dotted_suffix_of_path(dotted, path),
            Self::Module(name) => {
                let main = format!("{name}.__main__");
                ends_with_module(dotted, name) || ends_with_module(dotted, &main)
            }
            Self::Nameless => false,
        }
    }
}

/// Whether the letters before `letter` end in an option that takes the rest of the word (`-Wignore`).
fn has_value_before(letters: &str, letter: char) -> bool {
    letters
        .chars()
        .take_while(|&before| before != letter)
        .any(|before| WITH_VALUE.contains(&before))
}

/// `src.app` names `/x/src/app.py`, and so does `app`.
fn dotted_suffix_of_path(dotted: &str, script: &Path) -> bool {
    let without_extension = script.with_extension("");
    let main_of_folder = script.join("__main__");
    [without_extension, main_of_folder].iter().any(|path| path.ends_with(dotted.replace('.', "/")))
        // A script named with less of its path than the source file is.
        || !script.is_absolute() && ends_with_module(dotted, &dotted_of(script))
}

fn dotted_of(script: &Path) -> String {
    let components = script.with_extension("");
    let names: Vec<_> =
        components.iter().map(|name| name.to_string_lossy()).filter(|name| name != ".").collect();
    names.join(".")
}

/// Whether `dotted` is `module`, or ends in it: `src.app` ends in `app`.
pub fn ends_with_module(dotted: &str, module: &str) -> bool {
    dotted.strip_suffix(module).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main_of(line: &str) -> String {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        format!("{:?}", MainModule::of(&argv))
    }

    #[test]
    fn the_main_module_is_read_off_the_command_line() {
        assert_eq!(main_of("python app.py -m x"), r#"Script("app.py")"#);
        assert_eq!(main_of("python -X dev -W error -u app.py"), r#"Script("app.py")"#);
        assert_eq!(main_of("python -Xdev -Wignore::m app.py"), r#"Script("app.py")"#);
        assert_eq!(main_of("python -m pkg.tool x"), r#"Module("pkg.tool")"#);
        assert_eq!(main_of("python -Impkg.tool"), r#"Module("pkg.tool")"#);
        assert_eq!(main_of("python --check-hash-based-pycs always app.py"), r#"Script("app.py")"#);
        assert_eq!(
            [main_of("python -c x"), main_of("python -"), main_of("python")],
            ["Nameless"; 3].map(str::to_owned)
        );
    }

    #[test]
    fn a_script_is_called_by_the_end_of_its_path() {
        let script = MainModule::Script(Path::new("/x/src/app.py"));
        assert_eq!(
            ["app", "src.app", "other.app", "pp"].map(|name| script.is_called(name)),
            [true, true, false, false]
        );
        let relative = MainModule::Script(Path::new("app.py"));
        assert_eq!(
            ["app", "src.app", "src.happ"].map(|name| relative.is_called(name)),
            [true, true, false]
        );
        assert!(MainModule::Script(Path::new("/x/tool")).is_called("tool.__main__"));
        assert!(MainModule::Module("pkg").is_called("src.pkg.__main__"));
    }
}
