/** Text for bash scripts. */
class Shell {

    /** `value` as one word of a bash script, whatever it holds. */
    static String quote(value) {
        return "'" + value.toString().replace("'", "'\\''") + "'"
    }
}
