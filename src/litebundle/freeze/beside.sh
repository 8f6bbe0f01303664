# The interpreter is beside this file, wherever that is and whatever links lead to it.
self=$0
while [ -h "$self" ]; do
  link=$(readlink "$self"; echo .)
  link=${link%??}
  case $link in
    /*) self=$link ;;
    *) case $self in */*) self=${self%/*}/$link ;; *) self=$link ;; esac ;;
  esac
done
case $self in */*) ;; *) self=./$self ;; esac
unset PYTHONHOME
exec "${self%/*}/@COMMAND@" @ARGUMENTS@ "$0" "$@"
