"""How messages travel; every foreign error leaves as one of ours."""
