# Runs a server as this very process, with a helper beside it that holds the other end of the starter's pipe (stdin).
# Usage: sh -c "$(cat leash.sh)" leash LOG PROGRAM [ARGUMENT...]
log=$1
shift
exec 3<&0 </dev/null >>"$log" 2>&1
(
    # One signal name a line. "quit" lets the server go; end of file means that the starter is gone.
    while read -r signal <&3; do
        [ "$signal" = quit ] && exit
        kill -s "$signal" $$
    done
    kill -s KILL $$
) >/dev/null 2>&1 &
exec "$@" 3<&-
