//! Text and point indexes.

use super::*;

fn indexed(database: &Database, kind: IndexKind) -> types::IndexId {
    let mut transaction = database.begin().expect("a transaction");
    let new = NewIndex::new("kinds", IndexOn::label(LABEL), vec![KEY], kind);
    let id = transaction.create_index(new).expect("an index");
    transaction.commit().expect("alone");
    id
}

fn add_all(transaction: &mut Transaction, values: &[Value]) {
    for value in values {
        transaction.create_node(&[LABEL], &[(KEY, value.clone())]).expect("a node");
    }
}

#[test]
fn text_indexes_find_beginnings_ends_and_parts() {
    let texts = ["Sheaf", "sheaf of wheat", "", "wheat", "a", "Åäö wheat", "hea"].map(Value::from);
    let long = Value::string(format!("{}needle{}", "x".repeat(200), "y".repeat(200)));
    for populates in [false, true] {
        let database = memory();
        let mut transaction = database.begin().expect("a transaction");
        let index = if populates {
            add_all(&mut transaction, &texts);
            transaction.create_node(&[LABEL], &[(KEY, 5.into())]).expect("no string");
            transaction.commit().expect("alone");
            let index = indexed(&database, IndexKind::Text);
            transaction = database.begin().expect("a transaction");
            index
        } else {
            drop(transaction);
            let index = indexed(&database, IndexKind::Text);
            transaction = database.begin().expect("a transaction");
            add_all(&mut transaction, &texts);
            transaction.create_node(&[LABEL], &[(KEY, 5.into())]).expect("no string");
            index
        };
        add_all(&mut transaction, std::slice::from_ref(&long));
        let ask = |transaction: &Transaction| {
            let begins = |text: &str| Seek::Prefix { equal: vec![], prefix: text.into() };
            assert_eq!(sought(transaction, index, &Seek::Holds("hea".into())), [0, 1, 3, 5, 6]);
            assert_eq!(sought(transaction, index, &Seek::Holds("eaf of".into())), [1]);
            assert_eq!(sought(transaction, index, &Seek::Holds("xneedley".into())), [8]);
            assert_eq!(sought(transaction, index, &Seek::Ends("wheat".into())), [1, 3, 5]);
            assert_eq!(sought(transaction, index, &begins("Sh")), [0]);
            assert_eq!(sought(transaction, index, &begins("Åä")), [5]);
            let all: Vec<u64> = vec![0, 1, 2, 3, 4, 5, 6, 8];
            assert_eq!(sought(transaction, index, &Seek::Holds("".into())), all);
            assert!(sought(transaction, index, &Seek::Holds("a".into())).contains(&4));
        };
        ask(&transaction);
        transaction.commit().expect("alone");
        let mut transaction = database.begin().expect("a transaction");
        ask(&transaction);
        assert_eq!(transaction.index_size(index).expect("a size").entries, 8);
        transaction.set_property(Entity::Node(NodeId(0)), KEY, "heather".into()).expect("it is there");
        transaction.delete_node(NodeId(1)).expect("it is there");
        assert_eq!(sought(&transaction, index, &Seek::Holds("hea".into())), [0, 3, 5, 6]);
        transaction.commit().expect("alone");
        let transaction = database.begin().expect("a transaction");
        assert_eq!(sought(&transaction, index, &Seek::Holds("hea".into())), [0, 3, 5, 6]);
        assert_eq!(sought(&transaction, index, &Seek::Ends("eaf".into())), [0_u64; 0]);
        drop(transaction);
        check_sound(&database);
    }
}

#[test]
fn point_indexes_find_boxes_and_what_is_near() {
    let database = memory();
    let index = indexed(&database, IndexKind::Point);
    let point = |srid: u32, x: f64, y: f64, z: Option<f64>| Value::Point(Box::new(types::Point { srid, x, y, z }));
    let mut transaction = database.begin().expect("a transaction");
    for x in -5..5 {
        let points = [point(7203, f64::from(x), 1.0, None), point(4326, f64::from(x) * 30.0, 60.0, None)];
        add_all(&mut transaction, &points);
    }
    add_all(&mut transaction, &[point(9157, 1.0, 2.0, Some(3.0)), "no point".into()]);
    transaction.commit().expect("alone");
    let mut transaction = database.begin().expect("a transaction");
    transaction.delete_node(NodeId(0)).expect("it is there");
    let within = |low, high| sought(&transaction, index, &Seek::Within(low, high));
    // Nodes with an even number lie on the plane, at -5, -4 and so on.
    assert_eq!(within(point(7203, -4.5, 0.0, None), point(7203, -1.5, 2.0, None)), [2, 4, 6]);
    assert_eq!(within(point(7203, -9.0, 1.5, None), point(7203, 9.0, 2.0, None)), [0_u64; 0]);
    assert_eq!(within(point(4326, 80.0, 0.0, None), point(4326, -140.0, 80.0, None)), [1, 17, 19]);
    let near = |center, distance| sought(&transaction, index, &Seek::Near(center, distance));
    assert_eq!(near(point(4326, 1.0, 60.0, None), 1e6), [11]);
    assert_eq!(near(point(7203, 4.0, 1.0, None), 0.5), [18]);
    assert_eq!(near(point(9157, 1.0, 2.0, Some(3.5)), 1.0), [20]);
    transaction.commit().expect("alone");
    check_sound(&database);
}
