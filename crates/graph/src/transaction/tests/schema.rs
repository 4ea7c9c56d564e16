//! Constraints, and indexes that are filled while others write.

use super::*;
use crate::codec::fact::{ConstraintId, ConstraintKind, IndexState, PropertyType, PropertyTypes};
use crate::transaction::{NewConstraint, Older};

fn constrain(database: &Database, kind: ConstraintKind, older: Older) -> Result<ConstraintId, GraphError> {
    let mut transaction = database.begin().expect("a transaction");
    let new = NewConstraint { name: "one".into(), on: IndexOn::label(LABEL), keys: vec![KEY], kind };
    let id = transaction.create_constraint(new, older)?;
    transaction.commit()?;
    while !database.wait_filled(std::time::Duration::from_secs(1)) {}
    database.take_refusal(id).map_or(Ok(id), Err)
}

fn small_steps() -> Database {
    let options = DatabaseOptions { fill_at_once_max: 10, ..DatabaseOptions::default() };
    let store = MemoryEngine::default()
        .open(Path::new("graph"), &OpenOptions { create: true, ..OpenOptions::default() })
        .expect("a new store");
    let database = Database::open(store, options).expect("an empty store");
    for kind in [TokenKind::Label, TokenKind::Type, TokenKind::Key] {
        database.tokens().make(kind, "Person").expect("a short name");
    }
    database
}

#[test]
fn equal_values_are_refused_at_the_write() {
    let database = memory();
    let old = add(&database, 1);
    constrain(&database, ConstraintKind::Unique, Older::Now).expect("all values differ");
    let mut transaction = database.begin().expect("a transaction");
    let refused = transaction.create_node(&[LABEL], &[(KEY, 1.0.into())]).expect_err("1 is taken");
    let words = format!("Node({old}) already exists with label `Person` and property `Person` = 1.0");
    assert_eq!((refused.to_string(), refused.code()), (words, types::Code::ConstraintValidationFailed));
    let mut transaction = database.begin().expect("a transaction");
    let other = transaction.create_node(&[], &[(KEY, 1.into())]).expect("without the label");
    transaction.add_label(other, LABEL).expect_err("with it");
    let mut transaction = database.begin().expect("a transaction");
    transaction.delete_node(old).expect("it is there");
    let next = transaction.create_node(&[LABEL], &[(KEY, 1.into())]).expect("it is free now");
    transaction.create_node(&[LABEL], &[(KEY, 1.into())]).expect_err("taken by itself");
    let third = transaction.create_node(&[LABEL], &[(KEY, 3.into())]).expect("it is free");
    transaction.set_property(Entity::Node(third), KEY, 1.into()).expect_err("taken");
    transaction.set_property(Entity::Node(next), KEY, 1.into()).expect("its own");
    transaction.create_node(&[LABEL], &[(KEY, f64::NAN.into())]).expect("NaN equals nothing");
    transaction.create_node(&[LABEL], &[(KEY, f64::NAN.into())]).expect("NaN equals nothing");
    transaction.create_node(&[LABEL], &[]).expect("without a value");
}

#[test]
fn two_transactions_never_write_equal_values() {
    let database = memory();
    constrain(&database, ConstraintKind::Unique, Older::Now).expect("nothing is there");
    let (mut one, mut other) = (database.begin().expect("one"), database.begin().expect("another"));
    one.create_node(&[LABEL], &[(KEY, 1.into())]).expect("free");
    other.create_node(&[LABEL], &[(KEY, 1.into())]).expect("free as far as it sees");
    one.commit().expect("the first");
    assert!(is_conflict(&other.commit()));
}

#[test]
fn missing_values_and_other_types_are_refused_at_the_commit() {
    for (kind, words) in
        [(ConstraintKind::Key, "must have the property"), (ConstraintKind::Exists, "must have the property")]
    {
        let database = memory();
        constrain(&database, kind, Older::Now).expect("nothing is there");
        let mut transaction = database.begin().expect("a transaction");
        transaction.create_node(&[LABEL], &[]).expect("it may come later");
        let refused = transaction.commit().expect_err("it did not").to_string();
        assert!(refused.contains(words), "{refused}");
    }
    let database = memory();
    let types = PropertyTypes::default().with(PropertyType::String);
    constrain(&database, ConstraintKind::Typed(types), Older::Now).expect("nothing is there");
    let mut transaction = database.begin().expect("a transaction");
    transaction.create_node(&[LABEL], &[(KEY, 1.into())]).expect("it may change");
    let refused = transaction.commit().expect_err("it did not").to_string();
    assert!(refused.ends_with("to be of type `STRING`, but was of type `INTEGER`"), "{refused}");
}

#[test]
fn older_data_is_held_against_a_constraint_now_and_later() {
    for (database, older) in [(memory(), Older::Now), (small_steps(), Older::Later)] {
        let mut transaction = database.begin().expect("a transaction");
        for value in 0..5_000 {
            create(&mut transaction, value % 4_999);
        }
        transaction.commit().expect("alone");
        let refused = constrain(&database, ConstraintKind::Unique, older).expect_err("0 is there twice");
        let words = refused.to_string();
        assert!(words.starts_with("Unable to create Constraint( name='one', type='UNIQUENESS'"), "{words}");
        assert!(words.contains("Both Node(0) and Node(4999) have the label"), "{words}");
        assert!(database.begin().expect("a transaction").constraints().is_empty());
        let mut transaction = database.begin().expect("a transaction");
        transaction.delete_node(NodeId(4_999)).expect("it is there");
        transaction.commit().expect("alone");
        constrain(&database, ConstraintKind::Key, older).expect("all differ now");
        let transaction = database.begin().expect("a transaction");
        let (indexes, constraints) = (transaction.indexes(), transaction.constraints());
        assert_eq!((indexes.len(), constraints.len()), (3, 1));
        assert!(indexes[2].is_online() && constraints[0].state == IndexState::Online);
        assert_eq!(transaction.index_size(indexes[2].id).expect("a size").entries, 4_999);
        assert_eq!(sought(&transaction, indexes[2].id, &Seek::Equal(vec![7.into()])), [7]);
        drop(transaction);
        check_sound(&database);
    }
}

#[test]
fn an_index_is_filled_while_others_write() {
    let database = small_steps();
    let mut transaction = database.begin().expect("a transaction");
    for value in 0..20_000 {
        create(&mut transaction, value);
    }
    transaction.commit().expect("alone");
    let index = index(&database);
    let mut writes = 0;
    while !database.wait_filled(std::time::Duration::ZERO) {
        let mut transaction = database.begin().expect("a transaction");
        transaction.delete_node(NodeId(writes * 37 % 20_000)).expect("it is there");
        transaction.set_property(Entity::Node(NodeId(19_999 - writes)), KEY, (-1).into()).expect("it is there");
        create(&mut transaction, 7);
        transaction.commit().expect("nobody else changes the data");
        writes += 1;
    }
    let transaction = database.begin().expect("a transaction");
    assert_eq!(transaction.count(Counted::Nodes).expect("sound"), 20_000);
    assert_eq!(transaction.index_size(index).expect("a size").entries, 20_000);
    assert_eq!(sought(&transaction, index, &Seek::Equal(vec![(-1).into()])).len() as u64, writes);
    drop(transaction);
    check_sound(&database);
}

#[test]
fn a_load_keeps_the_constraints() {
    use crate::bulk::Loader;
    let types = PropertyTypes::default().with(PropertyType::Integer);
    type Case<'a> = (ConstraintKind, &'a [&'a [(KeyId, Value)]], Option<&'a str>);
    let cases: [Case<'_>; 5] = [
        (ConstraintKind::Unique, &[&[(KEY, Value::Integer(1))], &[(KEY, Value::Integer(2))], &[]], None),
        (
            ConstraintKind::Unique,
            &[&[(KEY, Value::Integer(1))], &[(KEY, Value::Float(1.0))]],
            Some("Both Node(0) and Node(1) have the label"),
        ),
        (ConstraintKind::Key, &[&[]], Some("must have the property")),
        (ConstraintKind::Exists, &[&[]], Some("must have the property")),
        (ConstraintKind::Typed(types), &[&[(KEY, Value::Boolean(true))]], Some("to be of type `INTEGER`")),
    ];
    for (kind, nodes, refusal) in cases {
        let database = memory();
        constrain(&database, kind, Older::Now).expect("nothing is there");
        let mut loader = Loader::new(&database).expect("an empty database");
        let added = nodes.iter().try_for_each(|properties| loader.node(&[LABEL], properties).map(drop));
        let outcome = added.and_then(|()| loader.finish());
        match refusal {
            None => {
                outcome.expect("nobody is against it");
                check_sound(&database);
                let mut transaction = database.begin().expect("a transaction");
                transaction.create_node(&[LABEL], &[(KEY, 2.into())]).expect_err("it was loaded");
            }
            Some(words) => {
                let refused = outcome.expect_err("somebody is against it").to_string();
                assert!(refused.contains(words), "{refused}");
            }
        }
    }
}

#[test]
fn a_check_names_who_is_against_a_constraint() {
    let database = memory();
    add(&database, 1);
    add(&database, 2);
    constrain(&database, ConstraintKind::Unique, Older::Now).expect("both differ");
    check_sound(&database);
    let (index, constraint) = {
        let transaction = database.begin().expect("a transaction");
        (transaction.indexes()[2].clone(), transaction.constraints()[0].clone())
    };
    // As a defect of ours would leave it: both in the records and in the index.
    let entry = |value: i64, id: u64| crate::keys::order::entry(index.id, &[value.into()], id).expect("a key");
    let mut record = Vec::new();
    crate::codec::record::append_node(&[LABEL], &[(KEY, 1.into())], &mut record).expect("a record");
    let write = |writer: &mut dyn Writer| {
        writer.put(&crate::keys::node(NodeId(1)), &record)?;
        writer.delete(&entry(2, 1))?;
        writer.put(&entry(1, 1), &[])
    };
    database.store().write(&mut |writer| write(writer)).expect("a write");
    let problems = database.check().expect("a snapshot").problems;
    let words = "constraint one: Both Node(0) and Node(1) have the label `Person` and property `Person` = 1";
    assert_eq!(problems, [words]);
    database.store().write(&mut |writer| writer.delete(&crate::keys::index(index.id)).map(drop)).expect("a write");
    let problems = database.check().expect("a snapshot").problems;
    assert!(problems.iter().any(|problem| problem.contains("is not defined")), "{problems:?}");
    assert_eq!(constraint.index, Some(index.id));
}

#[test]
fn a_graph_of_format_1_is_raised_when_it_is_opened() {
    use crate::codec::fact::encode_format;
    use crate::keys::{self, Meta};
    let store = {
        let database = memory();
        index(&database);
        database.store().clone()
    };
    // As format 1 had it: one index by the number 1, and nothing that came with format 2.
    let old = crate::codec::seal(b"\x01\x01\x00\x00\x00\x01\x00\x06by_key".to_vec());
    let write = |writer: &mut dyn Writer| {
        for id in 1..=3 {
            writer.delete(&keys::index(types::IndexId(id)))?;
        }
        writer.put(&keys::index(types::IndexId(1)), &old)?;
        writer.delete(&keys::meta(Meta::SchemaNext))?;
        writer.put(&keys::meta(Meta::Format), &encode_format(1))
    };
    store.write(&mut |writer| write(writer)).expect("a write");
    let database = Database::open(store, DatabaseOptions::default()).expect("an older graph");
    let transaction = database.begin().expect("a transaction");
    let listed: Vec<(u32, String)> =
        transaction.indexes().iter().map(|index| (index.id.0, index.name.to_string())).collect();
    let expected = [(1, "by_key"), (2, "index_343aff4e"), (3, "index_f7700477")];
    assert_eq!(listed, expected.map(|(id, name)| (id, name.to_owned())));
    assert_eq!(transaction.next_number().expect("a number"), 4);
    let format = database
        .store()
        .snapshot()
        .expect("a snapshot")
        .get(&keys::meta(Meta::Format))
        .map(|it| it.map(store::Lent::into_owned));
    assert_eq!(format.expect("a store"), Some(encode_format(crate::codec::FORMAT)));
}
