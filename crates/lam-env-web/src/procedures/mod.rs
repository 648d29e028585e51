//! What the expert does on the pages, a function for each kind of task: told the request's slots, the screen and what
//! was done, it says what is to be done from here on. Knows no family and no wording.

mod case;
mod forms;
mod lists;
mod mail;
mod numbers;
mod search;

pub use case::{Case, Moves};
pub use forms::{
    choose_date, copy_text, enter_text, fill_form, focus_field, highlight, log_in, read_table, read_table_form,
    scroll_area, search_movies, set_spinner, type_last_word, type_shown_text,
};
pub use lists::{
    autocomplete, click_button_of, click_named, click_sequence, close_dialog, expand_section, pick_items, widget,
};
pub use mail::{delete_mail, forward_mail, reply_mail, social_media, star_mail};
pub use numbers::{
    buy_ticket, cards, generate_number, guess_number, odd_or_even, radio_and_number, solve_algebra, solve_arithmetic,
    word_of_text,
};
pub use search::{open_and_find, phone_book, search_engine, tree};

/// How a family's task is done: what is to be done from here on; `None` when the screen is not as expected.
pub type Procedure = fn(&Case<'_>) -> Option<Moves>;
