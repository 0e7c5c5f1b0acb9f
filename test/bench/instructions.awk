# The instructions of a callgrind profile, less what the C library took for allocating and for comparing. Read from calls and
# not from its own functions, most of which have no name in a stripped library.
#
# In the profile, a function is named in full once and by its number later; the line after "calls=" is the cost of the
# call with all that it called.
function name_of(text,   number) {
    number = substr(text, 1, index(text, ")"))
    if (length(text) > length(number)) names[number] = substr(text, length(number) + 2)
    return names[number]
}

function is_left_out(function_name) {
    return function_name ~ /^(malloc|calloc|realloc|free)$/ || function_name ~ /^__(strn?cmp|memcmp)_/
}

/^fn=/ { caller = name_of(substr($0, 4)) }
/^cfn=/ { called = name_of(substr($0, 5)) }
/^calls=/ {
    getline
    if (is_left_out(called) && !is_left_out(caller)) left_out += $2
}
/^totals: / { total = $2 }
END { print total - left_out }
