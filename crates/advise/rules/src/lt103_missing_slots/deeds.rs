//! What the project does to objects that slots would not allow: looked for once, whatever the class.

use super::lineage::mangled;
use lowtide_source::ast::{AnyNodeRef, Expr, ExprAttribute, ExprCall, ExprName};
use lowtide_source::{Definition, Meaning, Module, ModuleId, Project, Ranged};

/// Modules that write instances by way of their `__dict__`, and read back what was written before.
const PICKLERS: &[&str] = &[
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "copyreg",
    "jsonpickle",
];
/// Functions to whom slots look different from a `__dict__`.
const REFLECTION: &[&str] =
    &["builtins.dir", "inspect.getmembers", "inspect.getmembers_static", "sys.getsizeof"];

/// Where something stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub module: ModuleId,
    pub node: AnyNodeRef<'a>,
}

/// What forbids slots for every class.
pub(super) struct Fact<'a> {
    pub place: Place<'a>,
    /// The name of the blocker.
    pub name: &'static str,
    pub what: String,
}

/// Something done to one object, which may be an instance of any class.
pub(super) struct Deed<'a> {
    pub place: Place<'a>,
    pub object: &'a Expr,
    /// The variable of the project that the object is.
    pub names: Option<Definition>,
    pub kind: Kind,
}

pub(super) enum Kind {
    /// Asks for its `__dict__`.
    TakesDict,
    /// Gives it another class.
    SetsClass,
    /// Sets or deletes the attribute of this full name.
    Sets(String),
    /// Sets or deletes an attribute whose name is computed.
    SetsAny,
    /// Hands it to this function, which looks at its attributes.
    Reflects(String),
}

/// All of them, in the order of the files and their texts.
#[derive(Default)]
pub(super) struct Deeds<'a> {
    pub facts: Vec<Fact<'a>>,
    pub deeds: Vec<Deed<'a>>,
}

impl<'a> Deeds<'a> {
    pub fn in_project(project: &Project<'a>) -> Self {
        let mut found = Self::default();
        for (id, module) in project.modules() {
            for node in module.nodes() {
                let place = Place { module: id, node };
                if let Some((name, what)) = fact(module, node) {
                    found.facts.push(Fact { place, name, what });
                }
                if let Some((object, kind)) = deed(project, place) {
                    let names = match project.meaning(id, object) {
                        Some(Meaning::Variable(definition)) => Some(definition),
                        _ => None,
                    };
                    found.deeds.push(Deed { place, object, names, kind });
                }
            }
        }
        found
    }
}

fn fact(module: &Module<'_>, node: AnyNodeRef<'_>) -> Option<(&'static str, String)> {
    match node {
        AnyNodeRef::ExprName(name) => passes_vars_on(module, name),
        AnyNodeRef::ExprStringLiteral(text) if text.value.to_str() == "__dict__" => {
            Some(("dict-used", "spells `__dict__`".to_owned()))
        }
        AnyNodeRef::StmtImport(import) => {
            import.names.iter().find_map(|alias| import_of(&alias.name))
        }
        AnyNodeRef::StmtImportFrom(import) => {
            import.module.as_ref().and_then(|module| import_of(module))
        }
        _ => None,
    }
}

/// `json.dumps(points, default=vars)`
fn passes_vars_on(module: &Module<'_>, name: &ExprName) -> Option<(&'static str, String)> {
    if name.id != "vars" || !module.is_builtin(name) {
        return None;
    }
    let is_called = matches!(module.parent(name.into()), Some(AnyNodeRef::ExprCall(call)) if call.func.range() == name.range);
    (!is_called).then(|| ("dict-used", "passes `vars` on".to_owned()))
}

fn import_of(module: &str) -> Option<(&'static str, String)> {
    let first = module.split('.').next().unwrap_or(module);
    if PICKLERS.contains(&first) {
        return Some((
            "pickled",
            format!("imports `{first}`: instances pickled before have a `__dict__`"),
        ));
    }
    (first == "weakref").then(|| {
        (
            "weak-reference",
            "imports `weakref`: instances with slots cannot be referred to weakly".to_owned(),
        )
    })
}

fn deed<'a>(project: &Project<'a>, place: Place<'a>) -> Option<(&'a Expr, Kind)> {
    match place.node {
        AnyNodeRef::ExprAttribute(attribute) => {
            let kind = deed_of_attribute(project.module(place.module), attribute)?;
            Some((&attribute.value, kind))
        }
        AnyNodeRef::ExprCall(call) => deed_of_call(project, place.module, call),
        _ => None,
    }
}

fn deed_of_attribute(module: &Module<'_>, attribute: &ExprAttribute) -> Option<Kind> {
    match attribute.attr.as_str() {
        "__dict__" => Some(Kind::TakesDict),
        _ if attribute.ctx.is_load() => None,
        "__class__" => Some(Kind::SetsClass),
        _ => Some(Kind::Sets(full_name(module, attribute))),
    }
}

fn deed_of_call<'a>(
    project: &Project<'a>,
    id: ModuleId,
    call: &'a ExprCall,
) -> Option<(&'a Expr, Kind)> {
    let object = call.arguments.args.first()?;
    let name = project.external_name(id, &call.func)?;
    let kind = match name.as_str() {
        "builtins.vars" => Kind::TakesDict,
        "builtins.setattr"
        | "builtins.delattr"
        | "builtins.object.__setattr__"
        | "builtins.object.__delattr__" => match call.arguments.args.get(1)? {
            Expr::StringLiteral(text) => Kind::Sets(text.value.to_str().to_owned()),
            _ => Kind::SetsAny,
        },
        reflection if REFLECTION.contains(&reflection) => Kind::Reflects(name),
        _ => return None,
    };
    Some((object, kind))
}

/// The attribute that is meant: private names have the name of the class around them before theirs.
pub(super) fn full_name(module: &Module<'_>, attribute: &ExprAttribute) -> String {
    let class = module.ancestors(attribute.into()).find_map(|above| match above {
        AnyNodeRef::StmtClassDef(class) => Some(class),
        _ => None,
    });
    class.map_or_else(|| attribute.attr.to_string(), |class| mangled(&class.name, &attribute.attr))
}
