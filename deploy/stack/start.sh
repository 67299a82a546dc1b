#!/bin/sh
# Notes the pid of every start in the file named first, then becomes the program named after it.
# The lines are the number of starts; the last one is the process that runs, even when no supervisor is left to ask.
echo $$ >> "$1" || exit 1
shift
exec "$@"
