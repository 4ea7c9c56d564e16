//! The civil calendar over 64-bit days: months, ISO weeks, quarters, ordinal days.

use super::error::{TemporalError, in_range};
use super::{Date, YEAR_MAX, YEAR_MIN};

/// Days of a 400-year cycle of the Gregorian calendar.
pub(super) const CYCLE_DAYS: i64 = 146_097;

/// A day by its ISO week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekDate {
    /// The year that the week belongs to; around New Year not always the calendar's.
    pub year: i64,
    /// Week of that year, 1 to 53.
    pub week: i64,
    /// Day of the week, Monday 1 to Sunday 7.
    pub day: i64,
}

/// A day by year, month and day of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year; 0 is 1 BC.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: i64,
    /// Day of the month, 1 to 31.
    pub day: i64,
}

impl Date {
    /// The first day: -999,999,999-01-01.
    pub const MIN: Self = Self { days: days_of(Civil { year: YEAR_MIN, month: 1, day: 1 }) };
    /// The last day: 999,999,999-12-31.
    pub const MAX: Self = Self { days: days_of(Civil { year: YEAR_MAX, month: 12, day: 31 }) };

    /// Makes a date from days since 1970-01-01, within the years we hold.
    pub fn from_days(days: i64) -> Result<Self, TemporalError> {
        if (Self::MIN.days..=Self::MAX.days).contains(&days) {
            Ok(Self { days })
        } else {
            Err(TemporalError::Overflow { what: "Date" })
        }
    }

    /// Makes a date from year, month and day of the month.
    pub fn from_civil(year: i64, month: i64, day: i64) -> Result<Self, TemporalError> {
        check_year(year)?;
        in_range("MonthOfYear", month, 1, 12)?;
        in_range("DayOfMonth", day, 1, 31)?;
        if day > days_in_month(year, month) {
            return Err(TemporalError::NoSuchDay { what: format!("{year:04}-{month:02}-{day:02}") });
        }
        Ok(Self { days: days_of(Civil { year, month, day }) })
    }

    /// Makes a date from the ISO week's year, the week and the day of the week.
    pub fn from_week(year: i64, week: i64, day: i64) -> Result<Self, TemporalError> {
        check_year(year)?;
        in_range("WeekOfWeekBasedYear", week, 1, 53)?;
        in_range("DayOfWeek", day, 1, 7)?;
        if week > weeks_in_year(year) {
            return Err(TemporalError::NoSuchDay { what: format!("Year {year} does not contain {week} weeks") });
        }
        Self::from_days(first_monday(year) + (week - 1) * 7 + day - 1)
    }

    /// Makes a date from year and day of the year.
    pub fn from_ordinal(year: i64, day: i64) -> Result<Self, TemporalError> {
        check_year(year)?;
        in_range("DayOfYear", day, 1, 366)?;
        if day > days_in_year(year) {
            return Err(TemporalError::NoSuchDay { what: format!("DayOfYear 366 as {year} is not a leap year") });
        }
        Ok(Self { days: days_of(Civil { year, month: 1, day: 1 }) + day - 1 })
    }

    /// Makes a date from year, quarter and day of the quarter.
    pub fn from_quarter(year: i64, quarter: i64, day: i64) -> Result<Self, TemporalError> {
        check_year(year)?;
        in_range("QuarterOfYear", quarter, 1, 4)?;
        let first = days_of(Civil { year, month: quarter * 3 - 2, day: 1 });
        let length = (0..3).map(|month| days_in_month(year, quarter * 3 - 2 + month)).sum();
        in_range("DayOfQuarter", day, 1, length)?;
        Ok(Self { days: first + day - 1 })
    }

    /// Gives year, month and day of the month.
    #[must_use]
    pub fn civil(self) -> Civil {
        civil_of(self.days)
    }

    /// Gives the year.
    #[must_use]
    pub fn year(self) -> i64 {
        self.civil().year
    }

    /// Gives the day by its ISO week.
    #[must_use]
    pub fn week_date(self) -> WeekDate {
        let day = self.weekday();
        // A week belongs to the year that holds its Thursday.
        let thursday = Self { days: self.days - day + 4 };
        WeekDate { year: thursday.year(), week: (thursday.ordinal() - 1) / 7 + 1, day }
    }

    /// Gives the day of the week, Monday 1 to Sunday 7.
    #[must_use]
    pub fn weekday(self) -> i64 {
        (self.days + 3).rem_euclid(7) + 1
    }

    /// Gives the day of the year, from 1.
    #[must_use]
    pub fn ordinal(self) -> i64 {
        self.days - days_of(Civil { month: 1, day: 1, ..self.civil() }) + 1
    }

    /// Gives the quarter, 1 to 4.
    #[must_use]
    pub fn quarter(self) -> i64 {
        (self.civil().month - 1) / 3 + 1
    }

    /// Gives the day of the quarter, from 1.
    #[must_use]
    pub fn day_of_quarter(self) -> i64 {
        self.days - days_of(Civil { month: self.quarter() * 3 - 2, day: 1, ..self.civil() }) + 1
    }

    /// Adds months; a day that the month does not have becomes its last.
    pub fn plus_months(self, months: i64) -> Result<Self, TemporalError> {
        let civil = self.civil();
        let total =
            (civil.year * 12 + civil.month - 1).checked_add(months).ok_or(TemporalError::Overflow { what: "Date" })?;
        Self::clamped(total.div_euclid(12), total.rem_euclid(12) + 1, civil.day)
    }

    /// Adds days.
    pub fn plus_days(self, days: i64) -> Result<Self, TemporalError> {
        Self::from_days(self.days.checked_add(days).ok_or(TemporalError::Overflow { what: "Date" })?)
    }

    /// Makes a date; a day past the end of its month becomes its last.
    pub(super) fn clamped(year: i64, month: i64, day: i64) -> Result<Self, TemporalError> {
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) {
            return Err(TemporalError::Overflow { what: "Date" });
        }
        in_range("MonthOfYear", month, 1, 12)?;
        Self::from_civil(year, month, day.min(days_in_month(year, month)))
    }
}

/// Tells whether the year has a February 29.
#[must_use]
pub fn is_leap_year(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

fn check_year(year: i64) -> Result<i64, TemporalError> {
    in_range("Year", year, YEAR_MIN, YEAR_MAX)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_in_year(year: i64) -> i64 {
    if is_leap_year(year) { 366 } else { 365 }
}

fn first_monday(year: i64) -> i64 {
    // Week 1 is the week with January 4.
    let fourth = Date { days: days_of(Civil { year, month: 1, day: 4 }) };
    fourth.days - fourth.weekday() + 1
}

fn weeks_in_year(year: i64) -> i64 {
    (first_monday(year + 1) - first_monday(year)) / 7
}

/// Counts days from 1970-01-01. Years begin in March here, so that the leap day comes last.
const fn days_of(civil: Civil) -> i64 {
    let year = if civil.month <= 2 { civil.year - 1 } else { civil.year };
    let cycle = year.div_euclid(400);
    let year_of_cycle = year.rem_euclid(400);
    let day_of_year = (153 * ((civil.month + 9) % 12) + 2) / 5 + civil.day - 1;
    let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    cycle * CYCLE_DAYS + day_of_cycle - 719_468
}

fn civil_of(days: i64) -> Civil {
    let shifted = days + 719_468;
    let cycle = shifted.div_euclid(CYCLE_DAYS);
    let day_of_cycle = shifted.rem_euclid(CYCLE_DAYS);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    Civil { year: cycle * 400 + year_of_cycle + i64::from(month <= 2), month, day }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whatever `jiff` says of the same day, ours must say too.
    fn check_against_jiff(days: i64) {
        let ours = Date { days };
        let theirs = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
        let civil = Civil { year: theirs.year().into(), month: theirs.month().into(), day: theirs.day().into() };
        assert_eq!(ours.civil(), civil);
        assert_eq!(Date::from_civil(civil.year, civil.month, civil.day), Ok(ours));
        assert_eq!(ours.ordinal(), i64::from(theirs.day_of_year()));
        assert_eq!(ours.weekday(), i64::from(theirs.weekday().to_monday_one_offset()));
        let week = theirs.iso_week_date();
        assert_eq!((ours.week_date().year, ours.week_date().week), (week.year().into(), week.week().into()));
    }

    proptest! {
        #[test]
        fn agrees_with_jiff(days in -4_371_222_i64..2_932_896) {
            check_against_jiff(days);
        }

        #[test]
        fn every_way_to_name_a_day_leads_back(days in Date::MIN.days..=Date::MAX.days) {
            let date = Date { days };
            let civil = date.civil();
            prop_assert_eq!(Date::from_civil(civil.year, civil.month, civil.day), Ok(date));
            prop_assert_eq!(Date::from_ordinal(civil.year, date.ordinal()), Ok(date));
            prop_assert_eq!(Date::from_quarter(civil.year, date.quarter(), date.day_of_quarter()), Ok(date));
            let week = date.week_date();
            if (YEAR_MIN..=YEAR_MAX).contains(&week.year) {
                prop_assert_eq!(Date::from_week(week.year, week.week, week.day), Ok(date));
            }
        }
    }

    #[test]
    fn holds_a_thousand_million_years_each_way() {
        assert_eq!(Date::MIN.civil(), Civil { year: YEAR_MIN, month: 1, day: 1 });
        assert_eq!(Date::MAX.civil(), Civil { year: YEAR_MAX, month: 12, day: 31 });
        assert!(Date::MAX.plus_days(1).is_err());
        assert!(Date::MIN.plus_months(-1).is_err());
        assert!(Date::MAX.plus_months(i64::MAX).is_err());
    }

    #[test]
    fn refuses_days_that_do_not_exist() {
        assert!(Date::from_civil(2015, 2, 29).is_err());
        assert!(Date::from_civil(2015, 13, 1).is_err());
        assert!(Date::from_ordinal(2015, 366).is_err());
        assert!(Date::from_week(2014, 53, 1).is_err());
        assert!(Date::from_quarter(2015, 1, 91).is_err());
        assert!(Date::from_quarter(2016, 1, 91).is_ok());
    }

    #[test]
    fn a_month_without_the_day_gives_its_last() {
        let end_of_january = Date::from_civil(2016, 1, 31).expect("a day");
        assert_eq!(end_of_january.plus_months(1), Date::from_civil(2016, 2, 29));
        assert_eq!(end_of_january.plus_months(-2), Date::from_civil(2015, 11, 30));
    }
}
