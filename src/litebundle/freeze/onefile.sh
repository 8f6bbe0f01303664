# The interpreter stands behind this text, and is unpacked once, into the cache of placed files.
# For that it takes mkdir, mktemp, find, tail, head, gzip and tar; afterwards nothing but this shell.
key=@KEY@
why=

look() { # FUNCTION [ARGUMENT...]: call it for the directories that may be the cache, in their order
  what=$1
  shift
  case $LITEBUNDLE_CACHE in
    /*) "$what" "$LITEBUNDLE_CACHE" "$@"; return ;;
    ?*) "$what" "$PWD/$LITEBUNDLE_CACHE" "$@"; return ;;
  esac
  case $XDG_CACHE_HOME in /*) base=$XDG_CACHE_HOME ;; *) base=$HOME/.cache ;; esac
  case $HOME$XDG_CACHE_HOME in /*) "$what" "$base/litebundle/placed" "$@" && return ;; esac
  user=$(id -u)
  for base in "${TMPDIR:-$TEMP}" /tmp /var/tmp; do
    case $base in /*) "$what" "$base/litebundle-$user" "$@" && return ;; esac
  done
  return 1
}

ours() { # PATH: tell whether it is the user's, or root's
  [ -O "$1" ] || [ -n "$(find "$1" -prune -user 0 2>/dev/null)" ]
}

start() { # DIRECTORY [ARGUMENT...]: go on in the interpreter that was unpacked there, if it was
  [ -x "$1/$key/@COMMAND@" ] && [ ! -h "$1/$key" ] && ours "$1/$key" || return 1
  home=$1/$key
  shift
  unset PYTHONHOME
  exec "$home/@COMMAND@" @ARGUMENTS@ "$0" "$@"
}

unpack() { # DIRECTORY: unpack the interpreter there, whole or not at all
  why="$why
  $1: "
  umask 077
  mkdir -p "$1" 2>/dev/null || { why="${why}cannot be made"; return 1; }
  ours "$1" || { why="${why}belongs to another user"; return 1; }
  [ -z "$(find "$1/." -prune \( -perm -020 -o -perm -002 \))" ] ||
    { why="${why}can be written by other users"; return 1; }
  work=$(mktemp -d "$1/$key.XXXXXXXX" 2>/dev/null) || { why="${why}cannot be written"; return 1; }
  tail -c +@START@ "$0" | head -c @SIZE@ | gzip -dc 2>/dev/null | (cd "$work" && tar xof - 2>/dev/null)
  "$work/@COMMAND@" -I -S -c 'import litebundle.runtime.unpacked as u; u.settle(*__import__("sys").argv[1:])' \
    "$work" @CHECKSUM@ 2>/dev/null && return
  case $? in
    126) why="${why}no program may be run there (noexec)" ;;
    *) why="${why}not unpacked whole; is the disk full, or the file damaged?" ;;
  esac
  rm -rf "$work"
  return 1
}

look start "$@"
mask=$(umask)
look unpack
done=$?
umask "$mask"
[ "$done" = 0 ] && look start "$@"
echo "error: $0: its Python can be unpacked nowhere:$why
hint: set LITEBUNDLE_CACHE to a directory of your own that programs may be run from" >&2
exit 1
