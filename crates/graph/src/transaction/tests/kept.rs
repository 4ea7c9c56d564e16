//! What a commit keeps of changes that look small.

use super::*;

#[test]
fn a_number_of_the_other_kind_is_another_value() {
    let list = |items: Vec<Value>| Value::list(items);
    let changes: Vec<(Value, Value)> = vec![
        (2.0.into(), 2.into()),
        (2.into(), 2.0.into()),
        (0.0.into(), (-0.0).into()),
        (list(vec![1.into(), 2.into()]), list(vec![1.0.into(), 2.0.into()])),
        (list(vec![1.0.into()]), list(vec![1.into()])),
    ];
    for is_indexed in [false, true] {
        let database = memory();
        let by_key = is_indexed.then(|| index(&database));
        for (before, after) in &changes {
            let mut transaction = database.begin().expect("a transaction");
            let node = transaction.create_node(&[LABEL], &[(KEY, before.clone())]).expect("a node");
            let loops = transaction.create_relationship(node, KIND, node, &[(KEY, before.clone())]).expect("one");
            transaction.commit().expect("alone");
            let mut transaction = database.begin().expect("a transaction");
            transaction.set_property(Entity::Node(node), KEY, after.clone()).expect("it is there");
            transaction.set_property(Entity::Relationship(loops), KEY, after.clone()).expect("it is there");
            transaction.commit().expect("alone");
            let mut transaction = database.begin().expect("a transaction");
            for entity in [Entity::Node(node), Entity::Relationship(loops)] {
                let properties = transaction.properties(entity).expect("a read").expect("it is there");
                let kept = &properties[0].1;
                assert!(types::compare::identical(kept, after), "{before:?} became {kept:?}, not {after:?}");
            }
            if let Some(by_key) = by_key {
                let found = sought(&transaction, by_key, &Seek::Equal(vec![after.clone()]));
                assert_eq!(found, [node.0], "{after:?}");
            }
            transaction.delete_relationship(loops).expect("it is there");
            transaction.delete_node(node).expect("it is there");
            transaction.commit().expect("alone");
        }
        check_sound(&database);
    }
}
