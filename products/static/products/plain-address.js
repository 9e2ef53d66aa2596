// Takes from the address what it says of the search: whoever copies it shares the product.

const address = new URL(location.href);
address.searchParams.delete("query_id");
address.searchParams.delete("position");
history.replaceState(history.state, "", address);
