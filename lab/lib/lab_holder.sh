# lab_holder.sh DIR: process 1 of a lab's namespaces. Holds them, buries what dies in them; when it is
# killed, everything in them goes. Started by lab_run.sh in the background.
# shellcheck shell=bash
set -u
lab_dir=$1
# /proc is still the one of outside, where others know this process by another number.
read -ra stat </proc/self/stat || exit 1
mount -t proc proc /proc || exit 1
mount -t tmpfs none /run || exit 1 # ip netns keeps its names here
if mount -t sysfs none /sys 2>/dev/null; then : >"$lab_dir/sysfs"; fi
ip link set lo up || exit 1
echo "${stat[0]} ${stat[21]}" >"$lab_dir/holder.new"
mv "$lab_dir/holder.new" "$lab_dir/holder"
while :; do
    sleep 1000000 &
    wait
done
