#!/bin/sh
# make-busybox.sh BUSYBOX DEST: a root file system of one static busybox and links to its applets.
# DEST is made anew: it is built beside its place and then put there.
set -eu

busybox=$1
dest=$2
new=$dest.new

umask 022
rm -rf "$new"
mkdir -p "$new"

for dir in bin sbin usr/bin usr/sbin dev etc home mnt opt proc root run srv sys tmp var/log \
	var/tmp; do
	mkdir -p "$new/$dir"
done
chmod 700 "$new/root"
chmod 1777 "$new/tmp" "$new/var/tmp"
ln -s ../run "$new/var/run"

cp "$busybox" "$new/bin/busybox"
chmod 755 "$new/bin/busybox"

# The list has "usr/bin/env". Relative links work in DEST, too, before it is anybody's root.
"$busybox" --list-full | while read -r applet; do
	case $applet in
	bin/busybox) continue ;;
	bin/*) target=busybox ;;
	sbin/*) target=../bin/busybox ;;
	usr/bin/* | usr/sbin/*) target=../../bin/busybox ;;
	*) applet=bin/${applet##*/} target=busybox ;;
	esac
	ln -sf "$target" "$new/$applet"
done

cat > "$new/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
mail:x:8:8:mail:/var/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
END

cat > "$new/etc/group" <<'END'
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
mail:x:8:
wheel:x:10:root
audio:x:29:
www-data:x:33:
operator:x:37:
video:x:44:
users:x:100:
nogroup:x:65534:
END

cat > "$new/etc/hosts" <<'END'
127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
END

cat > "$new/etc/nsswitch.conf" <<'END'
passwd: files
group: files
hosts: files dns
END

cat > "$new/etc/os-release" <<END
NAME="BusyBox"
ID=busybox
PRETTY_NAME="$("$busybox" | sed -n '1s/ (.*//p')"
END

cat > "$new/etc/shells" <<'END'
/bin/sh
/bin/ash
END

# For login shells; \u, \h and \w are busybox ash's own.
cat > "$new/etc/profile" <<'END'
export PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
PS1='\u@\h:\w\$ '
alias ll='ls -l'
END

rm -rf "$dest"
mv "$new" "$dest"
